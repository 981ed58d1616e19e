/** Asks about a place that is hardly meant: in the sea, or outside the area that the platform knows. */
import { places } from '$entities/places.svelte';
import * as f from '$lib/format';
import { both } from '$lib/i18n.svelte';
import { frame } from '$shell/frame.svelte';
import { unitType } from '../core/kinds';
import { msg } from './messages';
import { incidentTypes } from './types';

/** Outlines of areas are as exact as this: a beach may lie outside. */
const SHORE_M = 100;

/** True: a person says so, or there is nothing to ask. Kinds of incident that boats are sent to may be at sea. */
export async function isMeant(point: readonly [number, number], kind: string): Promise<boolean> {
  await places.load();
  const where = places.setting(point);
  if (where === 'land' || where === 'unknown') return true;
  if (where === 'sea' && incidentTypes().find((type) => type.code === kind)?.unitTypes?.some((code) => unitType(code)?.travels === 'water')) return true;
  const near = places.nearest(point);
  if (where === 'sea' && near && near.metres <= SHORE_M) return true;
  const params = { place: near?.words ?? '–', distance: near ? f.distance(near.metres) : '–' };
  return where === 'sea' ? frame.ask(msg.seaTitle, both(msg.seaText, params)) : frame.ask(msg.outsideTitle, both(msg.outsideText, params));
}
