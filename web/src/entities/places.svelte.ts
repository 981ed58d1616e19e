/** Where something is, in words: tambon and amphoe from the outlines, never bare coordinates. */
import { api } from '$lib/api';
import { anchor, boundsOf, contains, grow, metresToOutline, type Box } from '$lib/geo';
import { nameText, t } from '$lib/i18n.svelte';
import { COMPOUNDS, namesPattern } from '$lib/keep';
import type { LiveEntity } from '$lib/live';
import { areaWords } from './messages';
import { CONTEXT } from './references.svelte';

interface Area {
  entity: LiveEntity;
  box: Box;
}

/** Names of an area in lower case, long enough to be meant. */
function namesOf(area: LiveEntity): string[] {
  const name = area.a['name'];
  const texts = typeof name === 'string' ? [name] : Object.values((name ?? {}) as Record<string, unknown>).filter((text): text is string => typeof text === 'string');
  return texts.map((text) => text.toLowerCase().replace(/^(ตำบล|อำเภอ|ต\.|อ\.)\s*/, '').replace(/\s*(sub-?district|district)$/, '')).filter((text) => text.length >= 3);
}

const bare = (entity: LiveEntity): string =>
  nameText(entity.a['name']).replace(/^(ตำบล|อำเภอ|ต\.|อ\.)\s*/, '').replace(/\s*(Sub-?district|District)(?=\s*(\(|$))/i, '').replace(/^(Tambon|Amphoe)\s+/i, '');

class Places {
  #tambons: Area[] = $state.raw([]);
  #amphoes: Area[] = $state.raw([]);
  #cache = new Map<string, [LiveEntity | null, LiveEntity | null]>();
  #asked: Promise<void> | null = null;
  /** The city has a coast; otherwise nothing is sea. */
  #coast = $state(false);

  /** Fetch the outlines once; without them places are simply not named. */
  load(): Promise<void> {
    return (this.#asked ??= this.#fetch());
  }
  async #fetch(): Promise<void> {
    try {
      const [answer, coast] = await Promise.all([
        api.get<{ entities: LiveEntity[] }>('/api/state', { query: { types: 'AdministrativeArea' } }),
        api.get<unknown[]>('/ngsi-ld/v1/entities', { query: { type: 'Coastline', limit: 1, pick: 'id' }, headers: CONTEXT }).catch(() => []),
      ]);
      this.#coast = coast.length > 0;
      const of = (level: string) =>
        answer.entities.flatMap((entity): Area[] => {
          const box = entity.a['level'] === level ? boundsOf(entity.a['location']) : null;
          return box ? [{ entity, box }] : [];
        });
      this.#cache.clear();
      this.#tambons = of('tambon');
      this.#amphoes = of('amphoe');
    } catch {
      this.#asked = null; // asked again with the next page visit
    }
  }

  /** Thai names of all areas and compounds, as one expression: what a line must not break. */
  names = $derived(
    namesPattern([
      ...COMPOUNDS,
      ...[...this.#tambons, ...this.#amphoes].map(({ entity }) => String((entity.a['name'] as { th?: string } | undefined)?.th ?? '').replace(/^(ตำบล|อำเภอ|ต\.|อ\.)\s*/, '')),
    ]),
  );

  get ready(): boolean {
    return this.#tambons.length > 0 || this.#amphoes.length > 0;
  }
  get amphoes(): LiveEntity[] {
    return this.#amphoes.map((area) => area.entity);
  }

  /** The box around all outlines, for a map without a city. */
  get bounds(): Box | null {
    const boxes = [...this.#amphoes, ...this.#tambons].map((area) => area.box);
    if (boxes.length === 0) return null;
    return [Math.min(...boxes.map((b) => b[0])), Math.min(...boxes.map((b) => b[1])), Math.max(...boxes.map((b) => b[2])), Math.max(...boxes.map((b) => b[3]))];
  }

  /** "ต.ราไวย์ อ.เมืองภูเก็ต"; empty when the outlines are not known. */
  words(point: readonly [number, number] | null): string {
    if (!point || !this.ready) return '';
    const [tambon, amphoe] = this.#areasAt(point);
    if (!tambon && !amphoe) return t(this.setting(point) === 'sea' ? areaWords.sea : areaWords.outside);
    return [tambon && t(areaWords.tambon, { name: bare(tambon) }), amphoe && t(areaWords.amphoe, { name: bare(amphoe) })].filter(Boolean).join(t({ th: ' ', en: ', ' }));
  }
  /** Around the outlines of a city with a coast, what is in none of them is sea; farther away nothing is known. */
  setting(point: readonly [number, number]): 'land' | 'sea' | 'outside' | 'unknown' {
    if (!this.ready) return 'unknown';
    if (this.#areasAt(point).some((area) => area !== null)) return 'land';
    const [w, s, e, n] = grow(this.bounds!, 0.25);
    return this.#coast && point[0] >= w && point[0] <= e && point[1] >= s && point[1] <= n ? 'sea' : 'outside';
  }
  /** The sub-district, or else the district, whose outline is nearest. */
  nearest(point: readonly [number, number]): { words: string; metres: number } | null {
    const areas = this.#tambons.length > 0 ? this.#tambons : this.#amphoes;
    let [best, metres]: [LiveEntity | null, number] = [null, Infinity];
    for (const { entity } of areas) {
      const away = metresToOutline(entity.a['location'], point);
      if (away < metres) [best, metres] = [entity, away];
    }
    return best && { words: t(this.#tambons.length > 0 ? areaWords.tambon : areaWords.amphoe, { name: bare(best) }), metres };
  }
  /** The sub-district and the district that contain a point. */
  #areasAt(point: readonly [number, number]): [LiveEntity | null, LiveEntity | null] {
    const key = `${point[0].toFixed(4)},${point[1].toFixed(4)}`;
    let found = this.#cache.get(key);
    if (!found) {
      const within = (areas: Area[]) =>
        areas.find(({ entity, box: [w, s, e, n] }) => point[0] >= w && point[0] <= e && point[1] >= s && point[1] <= n && contains(entity.a['location'], point))?.entity ?? null;
      found = [within(this.#tambons), within(this.#amphoes)];
      if (this.#cache.size > 20_000) this.#cache.clear();
      this.#cache.set(key, found);
    }
    return found;
  }

  /** Does a description of a place name areas, and the point is in none of them? False where nothing is known. */
  contradicts(text: string, point: readonly [number, number] | null): boolean {
    if (!point || !this.ready) return false;
    const said = text.toLowerCase();
    const inText = (areas: Area[]) => areas.map((area) => area.entity).filter((entity) => namesOf(entity).some((name) => said.includes(name)));
    const [tambons, amphoes] = [inText(this.#tambons), inText(this.#amphoes)];
    const districtNames = new Set(this.#amphoes.flatMap((area) => namesOf(area.entity)));
    // A sub-district that is called as its district: the text may mean either.
    const sure = tambons.filter((entity) => !namesOf(entity).some((name) => districtNames.has(name)));
    const here = this.#areasAt(point);
    const named = sure.length > 0 ? tambons : [...tambons, ...amphoes];
    return named.length > 0 && !named.some((entity) => here.includes(entity));
  }
  /** Are these only the words of the area that contains the point, in either language? */
  isAreaOf(text: string, point: readonly [number, number] | null): boolean {
    if (!point || !this.ready || !text) return false;
    const areas = this.#areasAt(point).filter((area): area is LiveEntity => area !== null);
    let rest = text.toLowerCase().replace(/ตำบล|อำเภอ|จังหวัด\S*|ต\.|อ\.|จ\.\S*|sub-?district|district|[,·\s]/g, '');
    for (const area of areas) for (const name of namesOf(area)) rest = rest.replaceAll(name.replace(/\s/g, ''), '');
    return areas.length > 0 && rest === '';
  }

  /** The entity's own address if it has one, otherwise the area that contains it. */
  of(entity: LiveEntity): string {
    return nameText(entity.a['address']) || this.words(anchor(entity.a['location']));
  }
}
export const places = new Places();
