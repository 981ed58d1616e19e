/** The scrubber's bars: when, and how many alerts and incidents of each severity began. */
import { asSeverity, type Severity } from '$components/severity';

export interface Bucket {
  from: number;
  counts: Partial<Record<Severity, number>>;
  total: number;
}
type Counts = Record<string, unknown> | undefined;

function add(into: Bucket, counts: Counts): void {
  for (const [key, value] of Object.entries(counts ?? {})) {
    if (typeof value !== 'number' || value <= 0) continue;
    const severity = asSeverity(key);
    into.counts[severity] = (into.counts[severity] ?? 0) + value;
    into.total += value;
  }
}

/** Reads `{buckets: [{start, alerts: {severity: n}, incidents: {…}}]}`. */
export function readBuckets(answer: unknown): Bucket[] {
  const list = (answer as { buckets?: unknown } | null)?.buckets ?? [];
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: Record<string, unknown>): Bucket[] => {
    const from = Date.parse(String(item['start'] ?? ''));
    if (!Number.isFinite(from)) return [];
    const bucket: Bucket = { from, counts: {}, total: 0 };
    add(bucket, item['alerts'] as Counts);
    add(bucket, item['incidents'] as Counts);
    return [bucket];
  });
}

/** When the record begins, in ms; null where the server does not say. */
export function readSince(answer: unknown): number | null {
  const at = Date.parse(String((answer as { recordedSince?: unknown } | null)?.recordedSince ?? ''));
  return Number.isFinite(at) ? at : null;
}
