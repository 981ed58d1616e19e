/** What a person chose as the place of something: a point, with its name where it was found by one, or the word that nobody knows
 * it yet. */
export type Picked = { readonly point: [lon: number, lat: number]; readonly name?: string } | { readonly unknown: true };
export const pointOf = (picked: Picked | null): [number, number] | null => (picked && 'point' in picked ? picked.point : null);
