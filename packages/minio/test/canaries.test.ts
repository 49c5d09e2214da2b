import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Misbehave, faultServer } from '@stowage/test-servers';
import { describe, expect, it } from 'vitest';
import { xmlError } from './xml-error.ts';

/** Spelled so that no ordinary text holds them, and so that every encoding changes them. */
const SECRET = 'canary/Secret+Key=aVeryUnlikelyText0002';
const TOKEN = 'canarySessionToken//0003+veryUnlikely==';
const FORMS = [SECRET, TOKEN].flatMap((secret) => {
  const bytes = Buffer.from(secret);
  return [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), bytes.toString('base64').replace(/=+$/, ''), bytes.toString('hex')];
});

const SERVERS: Readonly<Record<string, Misbehave>> = {
  // Amazon's own answer to a wrong signature repeats what was signed.
  'a server that repeats what it is sent': (incoming, answer) =>
    xmlError(answer, 403, 'SignatureDoesNotMatch', {}, `${JSON.stringify(incoming.headers)} ${incoming.url} ${SECRET} ${TOKEN}`),
  'a server that repeats it as a web page': (incoming, answer) => {
    answer.writeHead(502, { 'content-type': `text/html; of=${TOKEN}`, server: SECRET }).end(`<html>${JSON.stringify(incoming.headers)} ${SECRET}</html>`);
    return true;
  },
  'a server that hangs up': (_incoming, answer) => {
    answer.destroy();
    return true;
  },
};

describe('secrets', () => {
  it.each(Object.keys(SERVERS))('appear nowhere, whatever is turned on to debug: %s', { timeout: 120_000 }, async (name) => {
    await using server = await faultServer(async (incoming, answer) => {
      await new Promise((resolve) => incoming.once('end', resolve).resume());
      return SERVERS[name]?.(incoming, answer) ?? false;
    });
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--conditions=@stowage/source', '--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'children/failing-calls.ts')],
      {
        env: {
          PATH: process.env['PATH'],
          ENDPOINT: server.endpoint,
          ACCESS: 'AKIACANARY',
          SECRET,
          TOKEN,
          NODE_DEBUG: 'http,https,net,tls,stream',
          DEBUG: '*',
        },
        maxBuffer: 512 * 1024 * 1024,
      },
    );
    const [, failed, events] = /failed: (\d+), events: (\d+)\n$/.exec(stdout) ?? [];
    expect(Number(failed)).toBeGreaterThanOrEqual(20);
    expect(Number(events)).toBeGreaterThanOrEqual(20);
    // Debugging was on for both clients.
    for (const part of ['HTTP', 'NET', 'STREAM']) expect(around(stderr, part)).not.toBe('');
    for (const form of FORMS) {
      expect(around(stdout, form)).toBe('');
      expect(around(stderr, form)).toBe('');
    }
    for (const text of [stdout, stderr]) expect(around(text, 'AWS4-HMAC-SHA256')).toBe('');
  });
});

/** What stands around a text; empty where it is nowhere. */
function around(text: string, form: string): string {
  const at = text.indexOf(form);
  return at < 0 ? '' : text.slice(Math.max(0, at - 300), at + form.length + 40);
}
