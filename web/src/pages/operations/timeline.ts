/** The scrubber's bars: whatever the server's buckets look like in detail, we need time and counts by severity. */
import { asSeverity, type Severity } from '$components/severity';

export interface Bucket {
  from: number;
  counts: Partial<Record<Severity, number>>;
  total: number;
}
type Counts = Record<string, unknown> | number | undefined;

function add(into: Bucket, counts: Counts): void {
  if (typeof counts === 'number') {
    into.counts.Unknown = (into.counts.Unknown ?? 0) + counts;
    into.total += counts;
    return;
  }
  for (const [key, value] of Object.entries(counts ?? {})) {
    if (typeof value !== 'number' || value <= 0) continue;
    const severity = asSeverity(key);
    into.counts[severity] = (into.counts[severity] ?? 0) + value;
    into.total += value;
  }
}

/** Reads `{buckets: [{from|start|at, alerts: {…}, incidents: {…}}]}` or the bare list. */
export function readBuckets(answer: unknown): Bucket[] {
  const list = Array.isArray(answer) ? answer : ((answer as { buckets?: unknown } | null)?.buckets ?? []);
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: Record<string, unknown>): Bucket[] => {
    const from = Date.parse(String(item['from'] ?? item['start'] ?? item['at'] ?? ''));
    if (!Number.isFinite(from)) return [];
    const bucket: Bucket = { from, counts: {}, total: 0 };
    add(bucket, item['alerts'] as Counts);
    add(bucket, item['incidents'] as Counts);
    return [bucket];
  });
}
