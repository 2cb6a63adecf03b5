// ULIDs, monotonic within a tab: what is written later sorts later, also within one millisecond.

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

export function makeUlid(now: () => number, random: (n: number) => Uint8Array): () => string {
  let last = 0;
  let tail: number[] = [];
  return () => {
    const at = Math.max(now(), last);
    if (at === last && tail.length > 0) {
      increment(tail);
    } else {
      tail = Array.from(random(16), (b) => b & 31);
      tail[0] = (tail[0] ?? 0) & 15; // room to count up
    }
    last = at;
    return time(at) + tail.map((d) => ALPHABET[d]).join("");
  };
}

function time(ms: number): string {
  let out = "";
  for (let n = ms, i = 0; i < 10; i++, n = Math.floor(n / 32)) out = ALPHABET[n % 32] + out;
  return out;
}

function increment(digits: number[]): void {
  for (let i = digits.length - 1; i >= 0; i--) {
    const d = (digits[i] ?? 0) + 1;
    digits[i] = d & 31;
    if (d < 32) return;
  }
}

export const ulid = makeUlid(Date.now, (n) => crypto.getRandomValues(new Uint8Array(n)));
