/** The pool alone: all of undici (fetch, WebSocket, caches) takes 70 ms of CPU and 15 MB more to load. Its version is pinned. */
declare module 'undici/lib/dispatcher/pool.js' {
  import { Pool } from 'undici';

  export default Pool;
}
