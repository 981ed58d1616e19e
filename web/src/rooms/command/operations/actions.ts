/** What can be done with the picture itself, from anywhere. */
import { kindText, titleText, typeRow } from '$entities/describe';
import { t } from '$lib/i18n.svelte';
import type { LiveEntity } from '$lib/live';
import { frame } from '$shell/frame.svelte';
import { router } from '$shell/router.svelte';
import type { Action, Context, Hit, Picture } from '$shell/room';
import { msg } from './messages';
import { view } from './view.svelte';

export const goLive: Action = {
  id: 'operations.live',
  title: msg.goLive,
  icon: 'clock',
  when: ({ picture }) => picture?.replay === true,
  run: ({ picture }) => picture?.goTo(null),
};
export const showList: Action = { id: 'operations.list', title: msg.listTitle, icon: 'list', page: '/', run: () => view.showList() };
export const showKeys = (): void => frame.open(() => import('./KeysDialog.svelte'), {});
export const keysHelp: Action = { id: 'operations.keys', title: msg.keysTitle, icon: 'info', page: '/', menu: 'account', run: showKeys };
export const wall: Action = { id: 'operations.wall', title: msg.wall, icon: 'fit', page: '/', run: () => router.set({ wall: '1', sel: null }) };
export const fit: Action = { id: 'operations.fit', title: msg.wholeProvince, icon: 'fit', page: '/', run: ({ picture }) => picture?.fit() };

function look(picture: Picture, entity: LiveEntity): void {
  picture.select(entity.id);
  picture.show(entity);
}

/** Layers to switch, and everything that the map shows. */
export function search({ picture }: Context): Hit[] {
  if (!picture) return [];
  const layers = picture.layers.map(
    (layer): Hit => ({
      id: `layer:${layer.id}`,
      title: `${t(msg.layers)}: ${t(layer.words)}`,
      hint: picture.on.has(layer.id) ? '✓' : '',
      icon: 'layers',
      run: () => picture.toggleLayer(layer.id),
    }),
  );
  const entities = [...picture.layers].reverse().flatMap((layer) =>
    picture
      .entitiesOf(layer)
      .filter((entity) => typeRow(entity)?.searched)
      .map((entity): Hit => ({ id: entity.id, title: titleText(entity), hint: kindText(entity), icon: 'target', run: () => look(picture, entity) })),
  );
  return [...layers, ...entities];
}
