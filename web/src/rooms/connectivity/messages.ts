import { messages } from '$lib/i18n.svelte';

export const msg = messages({
  title: { th: 'โครงข่ายไร้สาย', en: 'Connectivity' },
  short: { th: 'โครงข่าย ไร้\u2060สาย', en: 'Connectivity' },
  intro: {
    th: 'ความครอบคลุมของโครงข่ายไร้สายตามแบบจำลอง 3GPP TR 38.901 และกรณีศึกษานโยบายย่าน 6 กิกะเฮิรตซ์',
    en: 'Radio coverage by the models of 3GPP TR 38.901, and the policy cases of the 6 GHz band',
  },
  coverage: { th: 'ความครอบคลุมตามย่านความถี่', en: 'Coverage by band' },
  band: { th: 'ย่านความถี่', en: 'Band' },
  run: { th: 'คำนวณทั้งสามย่าน', en: 'Compute the three bands' },
  noRuns: { th: 'ยังไม่มีผลคำนวณ', en: 'Nothing has been computed yet' },
  noRunsHint: { th: 'กดปุ่มเพื่อคำนวณ ใช้เวลาไม่กี่วินาที', en: 'Press the button; it takes a few seconds' },
  analystOnly: { th: 'นักวิเคราะห์เป็นผู้สั่งคำนวณ', en: 'An analyst computes the runs' },
  sitesNote: {
    th: 'ที่ตั้งเสา {n} แห่งเป็นแผนสมมติ ไม่ใช่เสาจริง เพราะตำแหน่งเสาจริงไม่เปิดเผย',
    en: 'The {n} sites are an assumed plan, not real masts: real positions are not public',
  },
  outdoor: { th: 'กลางแจ้ง', en: 'Outdoors' },
  indoorLow: { th: 'ในอาคารผนังเบา', en: 'Indoors, light walls' },
  indoorHigh: { th: 'ในอาคารผนังหนาหรือกระจกสะท้อน', en: 'Indoors, heavy walls or coated glass' },
  none: { th: 'ไม่ครอบคลุม', en: 'Not covered' },
  people: { th: '{n} คน', en: '{n} people' },
  range: { th: 'ช่วง {low}–{high}', en: 'range {low}–{high}' },
  area: { th: 'ครอบคลุมพื้นที่ {n}', en: '{n} of the land' },
  capacity: { th: 'ความจุรวม {gbps} กิกะบิตต่อวินาที · SINR มัธยฐาน {sinr} เดซิเบล · ที่ตั้งที่ให้บริการ {n} แห่ง', en: 'total capacity {gbps} Gbit/s · median SINR {sinr} dB · {n} serving sites' },
  limited: { th: 'ข้อจำกัดอยู่ที่ขา{way}', en: 'limited by the {way}' },
  uplink: { th: 'ส่งขึ้น', en: 'uplink' },
  downlink: { th: 'รับลง', en: 'downlink' },
  budget: { th: 'งบลิงก์และแหล่งอ้างอิง', en: 'Link budget and sources' },
  quantity: { th: 'รายการ', en: 'Quantity' },
  value: { th: 'ค่า', en: 'Value' },
  basis: { th: 'ที่มา', en: 'Basis' },
  method: { th: 'วิธี', en: 'Method' },
  limits: { th: 'ข้อจำกัด', en: 'Limits' },
  policy: { th: 'ย่าน 6 กิกะเฮิรตซ์: สองทางเลือกเชิงนโยบาย', en: 'The 6 GHz band: two policy cases' },
  case: { th: 'กรณี', en: 'Case' },
  spectrum: { th: 'คลื่นความถี่', en: 'Spectrum' },
  indoors: { th: 'ผู้ได้รับบริการในอาคาร', en: 'People served indoors' },
  today: { th: 'ตามอุปกรณ์ที่มีวันนี้', en: 'with today’s devices' },
  outdoors: { th: 'ผู้ได้รับบริการกลางแจ้ง', en: 'People served outdoors' },
  edge: { th: 'อัตราข้อมูลที่ขอบ', en: 'Rate at the edge' },
  perPerson: { th: 'ต่อคน', en: 'Per person' },
  together: { th: 'ใช้ทั้งสองกรณีร่วมกัน', en: 'Both together' },
  assumptions: { th: 'สมมติฐาน', en: 'Assumptions' },
  notServed: { th: 'ไม่ให้บริการ', en: 'not served' },
  mhz: { th: '{n} เมกะเฮิรตซ์', en: '{n} MHz' },
  note: { th: 'หมายเหตุ', en: 'Note' },
  mbps: { th: '{n} เมกะบิตต่อวินาที', en: '{n} Mbit/s' },
  rule: { th: 'หลักเกณฑ์', en: 'Rule' },
});

/** Names of link-budget quantities. */
export const quantities = messages({
  eirpDbm: { th: 'กำลังส่งสมมูล (dBm)', en: 'EIRP (dBm)' },
  bandwidthMhz: { th: 'ความกว้างแถบ (เมกะเฮิรตซ์)', en: 'Bandwidth (MHz)' },
  ueNoiseDb: { th: 'สัญญาณรบกวนของเครื่องลูกข่าย (dB)', en: 'Device noise figure (dB)' },
  bsNoiseDb: { th: 'สัญญาณรบกวนของสถานีฐาน (dB)', en: 'Base-station noise figure (dB)' },
  bodyLossDb: { th: 'การสูญเสียจากร่างกาย (dB)', en: 'Body loss (dB)' },
  uePowerDbm: { th: 'กำลังส่งเครื่องลูกข่าย (dBm)', en: 'Device power (dBm)' },
  uplinkMhz: { th: 'ความกว้างแถบขาส่งขึ้น (เมกะเฮิรตซ์)', en: 'Uplink bandwidth (MHz)' },
  sinrMinDb: { th: 'SINR ต่ำสุด รับลง/ส่งขึ้น (dB)', en: 'Least SINR, down/up (dB)' },
  interferenceMarginDb: { th: 'ส่วนเผื่อสัญญาณแทรกสอด รับลง/ส่งขึ้น (dB)', en: 'Interference margin, down/up (dB)' },
  locationProbability: { th: 'ความน่าจะเป็นเชิงตำแหน่ง', en: 'Location probability' },
  efficiency: { th: 'ประสิทธิภาพเทียบขีดจำกัดแชนนอน', en: 'Share of Shannon’s bound' },
  downlinkShare: { th: 'สัดส่วนเวลาขารับลง', en: 'Share of time for the downlink' },
  load: { th: 'ภาระโครงข่าย', en: 'Network load' },
});

/** The platform gives its sources in English; here they are for Thai readers. Names of documents stay. */
export const rules = messages({
  'lower-licence-exempt': {
    th: 'ประกาศ กสทช. มาตรฐานทางเทคนิค กสทช. มท. 1039-2566 (28 เมษายน 2566): 5.925–6.425 กิกะเฮิรตซ์ ในอาคารกำลังต่ำ (LPI) e.i.r.p. 250 มิลลิวัตต์ กำลังต่ำมาก (VLP) 25 มิลลิวัตต์ พบใน: ประกาศของห้องทดสอบ GCC และ Cetecom Advanced',
    en: 'NBTC TS 1039-2566 (28 April 2023)',
  },
  'upper-imt': {
    th: '6.425–7.125 กิกะเฮิรตซ์ อยู่ในแผนคลื่นความถี่ของ กสทช. พ.ศ. 2568–2573 ซึ่งเป็นแผน ยังไม่ใช่การจัดสรร พบใน: RCR Wireless, 10 กันยายน 2567',
    en: "the NBTC's spectrum roadmap 2025-2030",
  },
});
export const bases = messages({
  eirpDbm: {
    th: '700 เมกะเฮิรตซ์: 46 dBm และ 15 dBi หักสายป้อน 3 dB ได้ e.i.r.p. 58 dBm ต่อคลื่นพาห์ 10 เมกะเฮิรตซ์ ใช้กับ 20 เมกะเฮิรตซ์ด้วย (Report ITU-R M.2292 ตาราง 2, macro ต่ำกว่า 1 กิกะเฮิรตซ์ พบใน: โปรแกรมสาธารณะที่อ้างตารางนี้) ย่าน 3.5 และ 6 กิกะเฮิรตซ์: 46 dBm เข้าสายอากาศ 8x8 หรือ 16x8 ชิ้น ชิ้นละ 6.4 dBi (สมมติ)',
    en: 'EIRP',
  },
  bandwidthMhz: { th: 'สมมติ: คลื่นของผู้ให้บริการหนึ่งราย (20 เมกะเฮิรตซ์แบบคู่ที่ 700, 100 เมกะเฮิรตซ์ที่ 3.5 และที่ 6 กิกะเฮิรตซ์)', en: 'bandwidth' },
  ueNoiseDb: { th: 'Report ITU-R M.2412 ตาราง 5, 4 กิกะเฮิรตซ์: 7 dB ใช้กับทุกย่าน พบใน: ค่าตั้งของโปรแกรมจำลองสาธารณะ', en: 'device noise' },
  bsNoiseDb: { th: 'Report ITU-R M.2412 ตาราง 5, 4 กิกะเฮิรตซ์: 5 dB ใช้กับทุกย่าน พบใน: ค่าตั้งของโปรแกรมจำลองสาธารณะ', en: 'base-station noise' },
  bodyLossDb: { th: 'Report ITU-R M.2292: 4 dB พบใน: การศึกษาการใช้คลื่นร่วมกันของ ITU-R ที่ระบุค่าตามรายงาน', en: 'body loss' },
  uePowerDbm: { th: '3GPP TS 38.101-3 ตาราง 6.2B.1.1-1 ชั้นกำลังปกติ 3: 23 dBm', en: 'device power' },
  uplinkMhz: { th: 'สมมติ: 1.8 เมกะเฮิรตซ์ (5 resource block ระยะห่าง 30 กิโลเฮิรตซ์) ที่ขอบเซลล์', en: 'uplink bandwidth' },
  sinrMinDb: { th: 'สมมติ: ช่องควบคุมและการมอดูเลตขั้นต่ำใช้ได้ที่ -5 dB ขารับลง และ -3 dB ขาส่งขึ้น', en: 'least SINR' },
  interferenceMarginDb: { th: 'สมมติ: 3 dB ขารับลง 2 dB ขาส่งขึ้น เมื่อโครงข่ายมีภาระครึ่งหนึ่ง', en: 'interference margin' },
  locationProbability: { th: 'สมมติ: ถือว่าครอบคลุมเมื่อเก้าในสิบตำแหน่งของช่องใช้ได้', en: 'location probability' },
  efficiency: { th: '0.6 ของขีดจำกัดแชนนอน: 3GPP TR 36.942 ภาคผนวก A พบใน: แบบจำลองสาธารณะที่อ้างค่านี้ เพดานของรายงานคือ 4.4 bit/s/Hz ของเราคือ 7.4 (TS 38.214 ตาราง 5.1.3.1-2: 256-QAM 948/1024 หนึ่งชั้น)', en: 'efficiency' },
  downlinkShare: { th: 'สมมติ: 1 สำหรับคลื่นแบบคู่ 0.75 สำหรับ TDD', en: 'downlink share' },
  load: { th: 'สมมติให้เซลล์ข้างเคียงมีภาระการใช้งานเฉลี่ยร้อยละ 50', en: 'load' },
});
