/** A key that stores, SDKs and URLs tend to bend. */
export interface OddKey {
  /** What is odd about it, in words for a test's name: unique in the table. */
  readonly name: string;
  readonly key: string;
  /** What it would be mistaken for: written beside it, where the store can hold both, with other content. */
  readonly lookalikes: readonly string[];
}

function odd(name: string, key: string, ...lookalikes: string[]): OddKey {
  return { name, key, lookalikes };
}

/** Every ASCII control character but NUL. */
const CONTROLS = [...Array.from({ length: 31 }, (_, i) => i + 1), 0x7f];

/**
 * Keys that a bucket keeps exactly as they are, or refuses with `InvalidKey` before any request; nothing between. Which ones a
 * store refuses is its `checkKey`'s to say.
 */
export const ODD_KEYS: readonly OddKey[] = [
  odd('a space inside', 'a b', 'a+b', 'a%20b', 'ab'),
  odd('spaces at both ends', ' padded ', 'padded', ' padded', 'padded '),
  odd('a single space', ' ', '%20', '+'),
  odd('spaces around slashes', 'a / b', 'a/b'),
  odd('a no-break space at the end', 'a\u{a0}', 'a', 'a '),
  odd('repeated slashes', 'foo//bar///baz', 'foo/bar/baz', 'foo//bar//baz'),
  odd('a leading slash', '/lead', 'lead', '//lead'),
  odd('a trailing slash', 'trail/', 'trail', 'trail//'),
  odd('a single slash', '/', '//'),
  odd('nothing but slashes', '///', '/', '//'),
  odd('a percent sign', '100%', '100%25', '100'),
  odd('a percent sign alone', '%', '%25'),
  odd('percent-encoded letters', '%48%45', 'HE', '%2548%2545'),
  odd('a percent-encoded slash', 'a%2Fb', 'a/b', 'a%252Fb', 'a%2fb'),
  odd('a percent-encoded space', 'a%20b', 'a b', 'a+b'),
  odd('a percent-encoded dot segment', 'a/%2e%2e/b', 'b', 'a/b'),
  odd('a percent-encoded NUL', 'a%00b', 'ab', 'a'),
  odd('a lone percent escape', 'a%Qb', 'a%25Qb'),
  odd('a percent escape of ill-formed UTF-8', '%ff%fe', '\u{ff}\u{fe}'),
  odd('a plus sign', 'a+b', 'a b', 'a%2Bb'),
  odd('a query', 'a?x=1', 'a', 'a%3Fx=1'),
  odd('a version query', 'a?versionId=null', 'a'),
  odd('a fragment', 'a#h', 'a', 'a%23h'),
  odd('an ampersand', 'a&b=c', 'a', 'a&amp;b=c'),
  odd('an XML entity', 'a&lt;b', 'a<b'),
  odd('angle brackets', '<a>/</a>', 'a'),
  odd('double quotes', 'say "hi"', 'say hi', 'say \\"hi\\"'),
  odd('single quotes', "it's 'so'", 'its so'),
  odd('a backslash', 'a\\b', 'a/b', 'a\\\\b'),
  odd('a backslash before a slash', 'a\\/b', 'a/b'),
  odd('a wildcard and a bracket', '*[', '*', '['),
  odd('braces, pipe, caret, backtick and tilde', 'a{b}|c^d`e~f', 'ab'),
  odd('a colon, an at sign and a semicolon', 'c:\\x;v@1', 'c:'),
  odd('a scheme', 's3://bucket/key', 's3:/bucket/key', 'key'),
  odd('a dollar sign', '$HOME/${x}', '/'),
  odd('an equals sign and commas', 'year=2020/part=a,b', 'year'),
  odd('a trailing dot', 'name.', 'name'),
  odd('three dots as a segment', 'a/.../b', 'a/b'),
  odd('dots at the start', '..a/.b', 'a/b'),
  odd('a name of a device', 'con/aux.txt', 'con_/aux.txt'),
  odd('a name like a temporary', '.~tmp-1.partial', 'tmp-1'),
  odd('a property of objects', '__proto__/constructor', 'constructor'),
  odd('an emoji', '😀/👩‍👩‍👧.png', '?', '😀/👩.png'),
  odd('letters beyond ASCII', 'Ünïcode/日本語/ключ', 'Unicode'),
  odd('letters beyond the basic plane', '\u{10000}\u{10ffff}', '\u{10000}'),
  odd('a byte order mark', '\u{feff}a', 'a'),
  odd('a replacement character', 'a\u{fffd}', 'a?'),
  odd('a non-character', 'a\u{ffff}b', 'ab'),
  odd('a right-to-left mark', 'a\u{202e}b', 'ab'),
  odd('a composed letter (NFC)', 'caf\u{e9}', 'cafe\u{301}'),
  odd('a decomposed letter (NFD)', 'cafe\u{301}', 'caf\u{e9}'),
  odd('a ligature and a full-width letter', '\u{fb01}\u{ff21}', 'fiA'),
  odd('a line separator', 'a\u{2028}b', 'a\nb'),
  odd('a next-line control', 'a\u{85}b', 'a\nb'),
  odd('a carriage return and a line feed', 'a\r\nb', 'a\nb', 'a\rb', 'a\n\nb'),
  odd('all ASCII controls in one', CONTROLS.map((code) => String.fromCharCode(code)).join('')),
  ...CONTROLS.map((code) =>
    odd(
      `the control U+${code.toString(16).toUpperCase().padStart(4, '0')}`,
      `a${String.fromCharCode(code)}b`,
      'ab',
      `a%${code.toString(16).toUpperCase().padStart(2, '0')}b`,
    ),
  ),
  odd('255 bytes in a segment', `${'s'.repeat(255)}/x`),
  odd('256 bytes in a segment', `${'s'.repeat(256)}/x`),
  odd('1,024 bytes in one segment', 'k'.repeat(1024), 'k'.repeat(1023)),
  odd('1,024 bytes in short segments', Array.from({ length: 16 }, (_, i) => String.fromCharCode(97 + i).repeat(63)).join('/') + '/'),
  odd('1,024 bytes in letters of four', '😀'.repeat(256), '😀'.repeat(255)),
  odd('1,025 bytes in one segment', 'k'.repeat(1025), 'k'.repeat(1024)),
  odd('1,025 bytes, fewer characters', `${'é'.repeat(512)}x`, 'é'.repeat(512)),
];

/** Keys that no store may ever be asked for: refused with `InvalidKey` before any request. */
export const REFUSED_KEYS: readonly { readonly name: string; readonly key: string }[] = [
  { name: 'the empty key', key: '' },
  { name: 'NUL', key: '\0' },
  { name: 'a NUL inside', key: 'a\0b' },
  { name: 'a lone high surrogate', key: 'a\u{d83d}' },
  { name: 'a lone low surrogate', key: '\u{de00}b' },
  { name: 'surrogates in the wrong order', key: 'a\u{de00}\u{d83d}b' },
  { name: 'a dot', key: '.' },
  { name: 'two dots', key: '..' },
  { name: 'two dots and a slash', key: '../' },
  { name: 'two dots inside', key: 'a/../b' },
  { name: 'two dots at the start', key: '../other/secret' },
  { name: 'two dots at the end', key: 'a/..' },
  { name: 'a dot at the start', key: './a' },
  { name: 'a dot inside', key: 'a/./b' },
  { name: 'a dot at the end', key: 'a/.' },
  { name: 'two dots behind a slash', key: '/../a' },
];
