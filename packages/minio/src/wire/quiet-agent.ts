import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';

/**
 * Agents that connect without a word of the request. Node's own pass all of its options on, headers with signature and session token
 * among them, and show them to whoever debugs `net`.
 */
export class QuietHttpAgent extends HttpAgent {
  override createConnection(...[options, callback]: Parameters<HttpAgent['createConnection']>): ReturnType<HttpAgent['createConnection']> {
    return super.createConnection(withoutHeaders(options), callback);
  }
}

export class QuietHttpsAgent extends HttpsAgent {
  override createConnection(...[options, callback]: Parameters<HttpsAgent['createConnection']>): ReturnType<HttpsAgent['createConnection']> {
    return super.createConnection(withoutHeaders(options), callback);
  }
}

function withoutHeaders<O extends { headers?: unknown }>(options: O): O {
  const { headers: _, ...rest } = options;
  return rest as O;
}
