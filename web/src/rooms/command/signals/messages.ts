import { messages } from '$lib/i18n.svelte';

export const msg = messages({
  crossed: { th: '{what} {value} (เกณฑ์ {limit})', en: '{what} {value} (limit {limit})' },
  latest: { th: 'ล่าสุด {value} ({time} น.) เมื่อแจ้ง {before}', en: 'latest {value} ({time}), {before} when raised' },
  asOf: { th: '{value} เมื่อ {time} น.', en: '{value} at {time}' },
  incidentOver: { th: 'เหตุที่เปิดจากการแจ้งเตือนนี้ปิดแล้ว', en: 'The incident of this alert is closed' },
  silent: { th: '{what} ไม่มีข้อมูลมา {time}', en: '{what}: no data for {time}' },
  limitOnly: { th: 'เกณฑ์: {what} {limit}', en: 'limit: {what} {limit}' },
  changed: { th: '{what} เปลี่ยนแปลง {value} ภายใน {time} (เกณฑ์ {limit} ภายใน {time})', en: '{what} changed by {value} within {time} (limit {limit} within {time})' },
  noAlerts: { th: 'ไม่มีการแจ้งเตือนที่เปิดอยู่', en: 'No open alerts' },
  queueEmpty: { th: 'ไม่มีการแจ้งเตือนที่รอดำเนินการ', en: 'No alerts are waiting' },
  queueEmptyText: { th: 'ระบบกำลังเฝ้าระวังตามกฎที่ตั้งไว้ การแจ้งเตือนใหม่จะแสดงที่นี่ทันที', en: 'The rules are active. New alerts appear here at once.' },
  tabOpen: { th: 'รอรับทราบ', en: 'Open' },
  tabKnown: { th: 'รับทราบแล้ว', en: 'Acknowledged' },
  knownEmpty: { th: 'ไม่มีการแจ้งเตือนที่รับทราบแล้ว', en: 'No acknowledged alerts' },
  knownEmptyText: { th: 'รายการที่กด “รับทราบ” จะย้ายมาที่นี่จนกว่าจะปิด', en: 'Acknowledged alerts move here until they are over.' },
  acknowledge: { th: 'รับทราบ', en: 'Acknowledge' },
  since: { th: 'ตั้งแต่ {time}', en: 'since {time}' },
  acknowledgedBy: { th: 'รับทราบโดย {name}', en: 'acknowledged by {name}' },
  closeAlert: { th: 'ปิดการแจ้งเตือน', en: 'Close alert' },
  closeReason: { th: 'เหตุผลที่ปิด', en: 'Reason for closing' },
  queue: { th: 'การแจ้งเตือน', en: 'Alerts' },
});
