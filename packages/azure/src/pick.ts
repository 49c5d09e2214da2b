/** `{ [name]: value }` where there is a value: an optional property is left out, not undefined. */
export function pick<K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [P in K]?: V });
}
