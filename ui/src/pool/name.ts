//! A first proposal for the name of an expert, from its file.

/** Lowercase letters, digits and dashes, at most 40 of them, as the pool wants names. */
export function nameFrom(path: string): string {
  const file = path.split(/[/\\]/).at(-1) ?? "";
  return file
    .replace(/\.gguf$/i, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+/, "")
    .slice(0, 40)
    .replace(/-+$/, "");
}
