//! Which words of a text are those that somebody looked for.

export interface Piece {
  text: string;
  hit: boolean;
}

/** Letters that two words must share at their beginning, of the shorter one's: endings may differ, as in the index. */
function alike(a: string, b: string): boolean {
  if (a === b) return true;
  const short = Math.min(a.length, b.length);
  if (short < 4 || Math.abs(a.length - b.length) > 3) return false;
  const shared = Math.max(4, short - 1);
  return a.slice(0, shared) === b.slice(0, shared);
}

/** The text in pieces, whole: those that are like a word of `search` are hits. */
export function marked(text: string, search: string): Piece[] {
  const words = [...search.toLowerCase().matchAll(/[\p{L}\p{N}]{2,}/gu)].map(([word]) => word);
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(/[\p{L}\p{N}]+/gu)) {
    const [word] = match;
    if (!words.some((one) => alike(one, word.toLowerCase()))) continue;
    if (match.index > from) pieces.push({ text: text.slice(from, match.index), hit: false });
    pieces.push({ text: word, hit: true });
    from = match.index + word.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), hit: false });
  return pieces;
}
