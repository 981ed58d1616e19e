/** Made from the entity types of the rooms (types.py in src/andaman) by `make generated`. Do not edit. */
import type { Message } from '$lib/i18n.svelte';

export const stateWords = {
  draft: { th: 'ร่าง', en: 'Draft' },
  reviewed: { th: 'อนุมัติแล้ว รอประกาศใช้', en: 'Approved, not in force yet' },
  inForce: { th: 'มีผลใช้บังคับ', en: 'In force' },
  replaced: { th: 'ถูกแทนที่แล้ว', en: 'Replaced' },
  withdrawn: { th: 'ถอนแล้ว', en: 'Withdrawn' },
  open: { th: 'รอรับทราบ', en: 'Open' },
  approved: { th: 'อนุมัติแล้ว อยู่ระหว่างดำเนินการ', en: 'Approved, in progress' },
  done: { th: 'อนุมัติแล้ว', en: 'Approved' },
  failed: { th: 'อนุมัติแล้ว แต่ดำเนินการไม่สำเร็จ', en: 'Approved, but refused' },
  rejected: { th: 'ไม่อนุมัติ', en: 'Rejected' },
  expired: { th: 'พ้นกำหนดพิจารณา', en: 'Expired' },
  acknowledged: { th: 'รับทราบแล้ว', en: 'Acknowledged' },
  cleared: { th: 'กลับสู่ปกติ', en: 'Cleared' },
  closed: { th: 'ปิดแล้ว', en: 'Closed' },
  new: { th: 'รับแจ้ง', en: 'New' },
  triaged: { th: 'ประเมินแล้ว', en: 'Triaged' },
  dispatched: { th: 'สั่งการแล้ว', en: 'Dispatched' },
  onScene: { th: 'ถึงที่เกิดเหตุ', en: 'On scene' },
  controlled: { th: 'ควบคุมได้แล้ว', en: 'Under control' },
  cancelled: { th: 'ยกเลิก', en: 'Cancelled' },
  assigned: { th: 'สั่งการแล้ว', en: 'Assigned' },
  enRoute: { th: 'กำลังเดินทาง', en: 'En route' },
  clear: { th: 'เสร็จภารกิจ', en: 'Clear' },
  available: { th: 'ว่าง', en: 'Available' },
  outOfService: { th: 'งดปฏิบัติงาน', en: 'Out of service' },
  running: { th: 'กำลังฝึก', en: 'Running' },
  scored: { th: 'ให้คะแนนแล้ว', en: 'Scored' },
  aborted: { th: 'ยุติแล้ว', en: 'Aborted' },
} as const satisfies Readonly<Record<string, Message>>;

export const versionStateWords = {
  draft: { th: 'ร่าง', en: 'Draft' },
  reviewed: { th: 'อนุมัติแล้ว รอประกาศใช้', en: 'Approved, not in force yet' },
  inForce: { th: 'มีผลใช้บังคับ', en: 'In force' },
  replaced: { th: 'ถูกแทนที่แล้ว', en: 'Replaced' },
  withdrawn: { th: 'ถอนแล้ว', en: 'Withdrawn' },
} as const satisfies Readonly<Record<string, Message>>;

export const proposalStateWords = {
  open: { th: 'รอพิจารณา', en: 'Waiting' },
  approved: { th: 'อนุมัติแล้ว อยู่ระหว่างดำเนินการ', en: 'Approved, in progress' },
  done: { th: 'อนุมัติแล้ว', en: 'Approved' },
  failed: { th: 'อนุมัติแล้ว แต่ดำเนินการไม่สำเร็จ', en: 'Approved, but refused' },
  rejected: { th: 'ไม่อนุมัติ', en: 'Rejected' },
  withdrawn: { th: 'ถอนแล้ว', en: 'Withdrawn' },
  expired: { th: 'พ้นกำหนดพิจารณา', en: 'Expired' },
} as const satisfies Readonly<Record<string, Message>>;

export const severityWords = {
  Extreme: { th: 'วิกฤต', en: 'Extreme' },
  Severe: { th: 'รุนแรง', en: 'Severe' },
  Moderate: { th: 'ปานกลาง', en: 'Moderate' },
  Minor: { th: 'เล็กน้อย', en: 'Minor' },
  Unknown: { th: 'ไม่ทราบระดับ', en: 'Unknown' },
} as const satisfies Readonly<Record<string, Message>>;

export const originWords = {
  measured: { th: 'ตรวจวัด', en: 'Measured' },
  reported: { th: 'ตามแหล่งข้อมูล', en: 'Reported' },
  computed: { th: 'คำนวณ', en: 'Computed' },
  proposed: { th: 'ข้อเสนอของผู้จัดทำ', en: 'Own proposal' },
  replayed: { th: 'ข้อมูลย้อนหลัง', en: 'Replayed' },
  simulated: { th: 'จำลอง', en: 'Simulated' },
} as const satisfies Readonly<Record<string, Message>>;

export const unitWords = {
  KMH: { th: 'กม./ชม.', en: 'km/h' },
  KMT: { th: 'กม.', en: 'km' },
  MTR: { th: 'ม.', en: 'm' },
  MMT: { th: 'มม.', en: 'mm' },
  CEL: { th: '°C', en: '°C' },
  P1: { th: '%', en: '%' },
  SEC: { th: 'วินาที', en: 's' },
  MIN: { th: 'นาที', en: 'min' },
  HUR: { th: 'ชม.', en: 'h' },
  DD: { th: '°', en: '°' },
  DEG: { th: '°', en: '°' },
  C62: { th: '', en: '' },
  MTS: { th: 'ม./วินาที', en: 'm/s' },
  IE: { th: 'ราย', en: '' },
  KMK: { th: 'ตร.กม.', en: 'km²' },
  GQ: { th: 'มคก./ลบ.ม.', en: 'µg/m³' },
  A97: { th: 'เฮกโตปาสคาล', en: 'hPa' },
  HPA: { th: 'เฮกโตปาสคาล', en: 'hPa' },
  VLT: { th: 'โวลต์', en: 'V' },
  THB: { th: 'บาท', en: 'THB' },
} as const satisfies Readonly<Record<string, Message>>;
