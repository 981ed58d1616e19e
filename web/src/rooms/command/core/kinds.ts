/** Kinds of unit, as the city's register has them. */
import { registers, type RegisterRow } from '$entities/registers.svelte';
import { attributes } from '$generated/vocabulary';

export interface UnitType extends RegisterRow {
  /** A glyph of map/glyphs.ts. */
  icon?: string;
  travels?: 'road' | 'water';
}
export const unitTypes = (): readonly UnitType[] => registers.rows<UnitType>(attributes['unitType']!.register!);
export const unitType = (code: string): UnitType | undefined => unitTypes().find((row) => row.code === code);
