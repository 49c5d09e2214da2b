/** `{ [name]: value }`, or nothing where the value is undefined: an optional property is absent, never present and undefined. */
export function pick<K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [P in K]?: V });
}
