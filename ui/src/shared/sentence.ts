//! Errors are written as parts of sentences; people read whole ones.

/** With a capital where it begins with a plain word, and a full stop where it ends with none. Paths and names stay. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  const begun = /^[a-z]+['’]?[a-z]* /.test(trimmed) ? trimmed.charAt(0).toUpperCase() + trimmed.slice(1) : trimmed;
  return begun === "" || /[.!?…:]$/.test(begun) ? begun : `${begun}.`;
}
