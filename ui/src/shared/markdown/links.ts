//! Which addresses of an answer may be clicked. Whatever passes is still shown before it is opened.

const schemes = new Set(["http:", "https:", "mailto:"]);

/** True for whole http, https and mailto addresses; script, data, file and relative ones stay plain text. */
export function mayOpen(url: string): boolean {
  try {
    return schemes.has(new URL(url).protocol);
  } catch {
    return false;
  }
}
