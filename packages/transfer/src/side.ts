/** Which of the two trees. */
export type Side = 'source' | 'destination';
