import { messages } from '$lib/i18n.svelte';

export const msg = messages({
  whence: { th: 'ที่มาของจำนวน {n} รายการ', en: 'Where {n} comes from' },
  title: { th: 'ปฏิบัติการ', en: 'Operations' },
  // top bar
  live: { th: 'ปัจจุบัน (เรียลไทม์)', en: 'Live' },
  connecting: { th: 'กำลังเชื่อมต่อ', en: 'Connecting' },
  reconnecting: { th: 'ขาดการเชื่อมต่อ กำลังต่อใหม่', en: 'Connection lost, reconnecting' },
  replayState: { th: 'ภาพย้อนหลัง', en: 'Replay' },
  newest: { th: 'ข้อมูลล่าสุด {age}', en: 'Newest data {age}' },
  stale: { th: 'ขาดการเชื่อมต่อ ภาพบนหน้าจออาจไม่เป็นปัจจุบัน', en: 'Connection lost. The screen may be out of date.' },
  // queue
  queue: { th: 'การแจ้งเตือน', en: 'Alerts' },
  queueNotSeen: { th: 'ไม่มีสิทธิดูการแจ้งเตือน', en: 'You may not see alerts' },
  queueSignIn: { th: 'เข้าสู่ระบบในฐานะเจ้าหน้าที่เพื่อดูและดำเนินการ', en: 'Sign in as an operator to see and handle them.' },
  queueUnknown: { th: 'ไม่ทราบสถานการณ์ขณะนี้', en: 'The present situation is unknown' },
  queueUnknownText: {
    th: 'ขาดการเชื่อมต่อกับระบบ อาจมีการแจ้งเตือนใหม่ที่ยังไม่แสดงบนหน้าจอนี้',
    en: 'The connection is lost. There may be new alerts that this screen does not show.',
  },
  noRecord: { th: 'ไม่มีบันทึกในช่วงเวลานี้', en: 'No record of this time' },
  noRecordText: { th: 'ระบบเริ่มบันทึกข้อมูลเมื่อ {time}', en: 'The record begins at {time}.' },
  // map and layers
  mapFailed: { th: 'เครื่องนี้แสดงแผนที่ไม่ได้ ใช้รายการแทนได้', en: 'This device cannot draw the map. Use the list instead.' },
  layers: { th: 'ชั้นข้อมูล', en: 'Layers' },
  wholeProvince: { th: 'ดูทั้งจังหวัด', en: 'Entire province' },
  list: { th: 'รายการ', en: 'List' },
  listTitle: { th: 'รายการบนแผนที่', en: 'Items on the map' },
  tabQueue: { th: 'การแจ้งเตือน', en: 'Alerts' },
  tabMap: { th: 'แผนที่', en: 'Map' },
  tabDetail: { th: 'รายละเอียด', en: 'Details' },
  // scrubber
  timeline: { th: 'แถบเวลา', en: 'Timeline' },
  moment: { th: 'เวลาที่แสดง', en: 'Moment shown' },
  goLive: { th: 'กลับสู่ปัจจุบัน', en: 'Go live' },
  play: { th: 'เล่น', en: 'Play' },
  pause: { th: 'หยุด', en: 'Pause' },
  speed: { th: 'ความเร็ว', en: 'Speed' },
  span: { th: 'ช่วงเวลา', en: 'Span' },
  spanHours: { th: '{n} ชั่วโมง', en: '{n} h' },
  spanMinutes: { th: '{n} นาที', en: '{n} min' },
  spanDays: { th: '{n} วัน', en: '{n} d' },
  density: { th: 'จำนวนการแจ้งเตือนและเหตุตามเวลา', en: 'Alerts and incidents over time' },
  replayBanner: { th: 'กำลังดูภาพย้อนหลัง {time}', en: 'You are looking at the past: {time}' },
  replayNote: { th: 'สั่งการไม่ได้จนกว่าจะกลับสู่ปัจจุบัน', en: 'Commands are disabled until you go live.' },
  replayLoading: { th: 'กำลังโหลด', en: 'loading' },
  notThere: { th: 'ไม่มีรายการนี้ในเวลาที่แสดง หรือไม่มีสิทธิดู', en: 'It did not exist at this moment, or you may not see it.' },
});
