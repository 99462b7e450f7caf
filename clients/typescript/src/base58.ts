/** Base58, as Solana writes keys and signatures. */

const DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** Bytes as text. */
export function encodeBase58(bytes: Uint8Array): string {
  const digits: number[] = [];
  for (const byte of bytes) {
    let carry = byte;
    for (let at = 0; at < digits.length; at += 1) {
      carry += (digits[at] ?? 0) << 8;
      digits[at] = carry % 58;
      carry = Math.floor(carry / 58);
    }
    for (; carry > 0; carry = Math.floor(carry / 58)) digits.push(carry % 58);
  }
  const zeros = bytes.findIndex((byte) => byte !== 0);
  const lead = zeros === -1 ? bytes.length : zeros;
  return "1".repeat(lead) + digits.reverse().map((digit) => DIGITS.charAt(digit)).join("");
}

/** Text as bytes. Throws a RangeError at what is no digit. */
export function decodeBase58(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    let carry = DIGITS.indexOf(character);
    if (carry < 0) throw new RangeError(`no digit of base58: ${JSON.stringify(character)}`);
    for (let at = 0; at < bytes.length; at += 1) {
      carry += (bytes[at] ?? 0) * 58;
      bytes[at] = carry & 0xff;
      carry >>= 8;
    }
    for (; carry > 0; carry >>= 8) bytes.push(carry & 0xff);
  }
  const zeros = /^1*/.exec(text)?.[0].length ?? 0;
  return Uint8Array.from([...new Array<number>(zeros).fill(0), ...bytes.reverse()]);
}
