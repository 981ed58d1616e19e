import { messages } from '$lib/i18n.svelte';

export const common = messages({
  zoomIn: { th: 'ขยาย', en: 'Zoom in' },
  zoomOut: { th: 'ย่อ', en: 'Zoom out' },
  metres: { th: 'ม.', en: 'm' },
  kilometres: { th: 'กม.', en: 'km' },
  retry: { th: 'ลองอีกครั้ง', en: 'Try again' },
  close: { th: 'ปิด', en: 'Close' },
  cancel: { th: 'ยกเลิก', en: 'Cancel' },
  confirm: { th: 'ยืนยัน', en: 'Confirm' },
  save: { th: 'บันทึก', en: 'Save' },
  loading: { th: 'กำลังโหลด…', en: 'Loading…' },
  details: { th: 'รายละเอียด', en: 'Details' },
  source: { th: 'แหล่งข้อมูล', en: 'Source' },
  systemSays: { th: 'ข้อความจากระบบ (ภาษาอังกฤษ)', en: 'What the platform says' },
  unknown: { th: 'ไม่ทราบ', en: 'Unknown' },
  none: { th: 'ไม่มี', en: 'None' },
  yes: { th: 'ใช่', en: 'Yes' },
  no: { th: 'ไม่ใช่', en: 'No' },
  all: { th: 'ทั้งหมด', en: 'All' },
  insufficient: { th: 'ข้อมูลไม่เพียงพอ', en: 'Insufficient data' },
  noMap: { th: 'แสดงแผนที่บนเครื่องนี้ไม่ได้ ดูตารางแทน', en: 'This machine cannot draw the map; the table has the same facts.' },
  onlyLive: { th: 'สั่งการได้เฉพาะเวลาปัจจุบัน', en: 'Commands work only live.' },
  noRows: { th: 'ไม่มีรายการ', en: 'Nothing here' },
  sortedUp: { th: 'เรียงจากน้อยไปมาก', en: 'sorted ascending' },
  sortedDown: { th: 'เรียงจากมากไปน้อย', en: 'sorted descending' },
  chart: { th: 'กราฟ {name}', en: 'Chart of {name}' },
  lowest: { th: 'ต่ำสุด {v}', en: 'lowest {v}' },
  highest: { th: 'สูงสุด {v}', en: 'highest {v}' },
  latest: { th: 'ล่าสุด {v}', en: 'latest {v}' },
});

export const severityWords = messages({
  Extreme: { th: 'วิกฤต', en: 'Extreme' },
  Severe: { th: 'รุนแรง', en: 'Severe' },
  Moderate: { th: 'ปานกลาง', en: 'Moderate' },
  Minor: { th: 'เล็กน้อย', en: 'Minor' },
  Unknown: { th: 'ไม่ทราบระดับ', en: 'Unknown' },
});

export const originWords = messages({
  measured: { th: 'ตรวจวัด', en: 'Measured' },
  reported: { th: 'ได้รับแจ้ง', en: 'Reported' },
  computed: { th: 'คำนวณ', en: 'Computed' },
  replayed: { th: 'ข้อมูลย้อนหลัง', en: 'Replayed' },
  simulated: { th: 'จำลอง', en: 'Simulated' },
});

export const problemWords = messages({
  offline: { th: 'ติดต่อเซิร์ฟเวอร์ไม่ได้ โปรดตรวจสอบการเชื่อมต่อ', en: 'The server cannot be reached. Check the connection.' },
  'not-signed-in': { th: 'โปรดเข้าสู่ระบบก่อน', en: 'Please sign in first.' },
  forbidden: { th: 'สิทธิ์ของท่านไม่ครอบคลุมการดำเนินการนี้', en: 'Your role does not allow this.' },
  'not-found': { th: 'ไม่พบรายการนี้ หรือไม่มีสิทธิ์เข้าถึง', en: 'It does not exist, or you may not see it.' },
  conflict: { th: 'สถานะปัจจุบันไม่อนุญาตให้ทำขั้นตอนนี้ อาจมีผู้อื่นดำเนินการไปแล้ว', en: 'The present state does not allow this; someone else may have acted already.' },
  invalid: { th: 'ข้อมูลที่ส่งไม่ถูกต้อง', en: 'What was sent is not valid.' },
  'too-large': { th: 'ข้อมูลมีขนาดใหญ่เกินไป', en: 'It is too large.' },
  busy: { th: 'ระบบยังรับคำสั่งไม่ได้ในขณะนี้ โปรดลองใหม่อีกครั้ง', en: 'The platform cannot take this now. Please try again.' },
  server: { th: 'เกิดข้อผิดพลาดในระบบ', en: 'Something went wrong in the platform.' },
});

/** States of alerts, incidents, units, assignments, drills. */
export const statusWords = messages({
  // alerts
  open: { th: 'รอรับทราบ', en: 'Open' },
  acknowledged: { th: 'รับทราบแล้ว', en: 'Acknowledged' },
  cleared: { th: 'กลับสู่ปกติ', en: 'Cleared' },
  closed: { th: 'ปิดแล้ว', en: 'Closed' },
  // incidents
  new: { th: 'รับแจ้ง', en: 'New' },
  triaged: { th: 'ประเมินแล้ว', en: 'Triaged' },
  dispatched: { th: 'สั่งการแล้ว', en: 'Dispatched' },
  onScene: { th: 'ถึงที่เกิดเหตุ', en: 'On scene' },
  controlled: { th: 'ควบคุมได้แล้ว', en: 'Under control' },
  cancelled: { th: 'ยกเลิก', en: 'Cancelled' },
  // units and assignments
  available: { th: 'ว่าง', en: 'Available' },
  assigned: { th: 'ได้รับมอบหมาย', en: 'Assigned' },
  enRoute: { th: 'กำลังเดินทาง', en: 'En route' },
  clear: { th: 'เสร็จภารกิจ', en: 'Clear' },
  outOfService: { th: 'งดปฏิบัติงาน', en: 'Out of service' },
  // drills
  running: { th: 'กำลังฝึก', en: 'Running' },
  scored: { th: 'ให้คะแนนแล้ว', en: 'Scored' },
  aborted: { th: 'ยุติแล้ว', en: 'Aborted' },
});
