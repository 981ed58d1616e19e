/** Who did it, in words: people by name, parts of the platform by what they do. */
import { half, messages, t, type Message } from '$lib/i18n.svelte';

const partWords: Record<string, Message> = messages({
  rules: { th: 'กฎเฝ้าระวัง (ระบบ)', en: 'Alert rules (platform)' },
  simulator: { th: 'ตัวจำลองหน่วย (ระบบ)', en: 'Unit simulator (platform)' },
  command: { th: 'ศูนย์บัญชาการ (ระบบ)', en: 'Command center (platform)' },
  city: { th: 'ชุดข้อมูลเมือง (ระบบ)', en: 'City pack (platform)' },
  catalogue: { th: 'บัญชีข้อมูล (ระบบ)', en: 'Catalogue (platform)' },
  drill: { th: 'การฝึก (ระบบ)', en: 'Drill (platform)' },
  training: { th: 'การฝึกอบรม (ระบบ)', en: 'Training (platform)' },
  assessment: { th: 'การประเมิน (ระบบ)', en: 'Assessment (platform)' },
  roadmap: { th: 'แผนที่นำทาง (ระบบ)', en: 'Roadmap (platform)' },
  expiry: { th: 'หมดอายุตามกำหนด (ระบบ)', en: 'Expiry (platform)' },
});
const words = messages({
  feed: { th: 'ข้อมูลนำเข้าอัตโนมัติ', en: 'Automatic feed' },
  platform: { th: 'ระบบ', en: 'Platform' },
  token: { th: 'ระบบภายนอก', en: 'Another system' },
  device: { th: 'อุปกรณ์', en: 'Device' },
  person: { th: 'ผู้ใช้ {name}', en: 'User {name}' },
});

/** An author's name as the record keeps it. */
export const authorText = (name: string): string => (Object.hasOwn(partWords, name) ? t(partWords[name]!) : half(name));

export function actorText(actor: { id: string; name: string }): string {
  if (actor.name) return half(actor.name);
  const [kind = '', ...more] = actor.id.split(':');
  const rest = more.join(':');
  if (kind === 'system') {
    if (rest.startsWith('feed:')) return t(words.feed);
    const part = Object.hasOwn(partWords, rest) ? partWords[rest] : undefined;
    return t(part ?? words.platform);
  }
  if (kind === 'user') return t(words.person, { name: rest });
  return t(kind === 'device' ? words.device : words.token);
}
