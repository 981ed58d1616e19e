/** What the palette finds of incidents, open or ended: by number (with or without spaces) or by words. */
import { statusText, titleText } from '$entities/describe';
import type { Hit } from '$shell/room';
import { router } from '$shell/router.svelte';
import { session } from '$shell/session.svelte';
import { commands } from '../core/commands';

export async function find(text: string, signal: AbortSignal): Promise<Hit[]> {
  if (!session.may('incident.read') || text.trim().length < 2) return [];
  const page = await commands.list({ text: text.trim().slice(0, 200), limit: 8 }, signal);
  return page.incidents.map((incident): Hit => ({
    id: incident.id, // as the map's own, so that it is listed once
    title: titleText(incident),
    hint: [incident.a['incidentNumber'], statusText(incident.a['incidentStatus'])].filter(Boolean).join(' · '),
    icon: 'list',
    run: () => router.go(`/?sel=${encodeURIComponent(incident.id)}`),
  }));
}
