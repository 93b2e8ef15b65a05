//! Where the palette can go.

export interface Place {
  group: string;
  name: string;
  /** The shortcut that goes there as well. */
  hint: string;
  go: () => void;
}

/** Places whose names hold every word of `text`, grouped as they first come. */
export function matching(places: Place[], text: string): Place[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = places.filter((place) => words.every((word) => place.name.toLowerCase().includes(word)));
  const groups = [...new Set(found.map((place) => place.group))];
  return groups.flatMap((group) => found.filter((place) => place.group === group));
}
