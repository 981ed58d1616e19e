import { messages } from '$lib/i18n.svelte';

export const msg = messages({
  product: { th: 'อันดามัน', en: 'Andaman' },
  skip: { th: 'ข้ามไปยังเนื้อหา', en: 'Skip to content' },
  navigation: { th: 'เมนูหลัก', en: 'Main navigation' },
  menu: { th: 'เมนู', en: 'Menu' },
  language: { th: 'English', en: 'ภาษาไทย' },
  toLight: { th: 'ใช้หน้าจอสีสว่าง', en: 'Use the light theme' },
  toDark: { th: 'ใช้พื้นหลังสีเข้ม', en: 'Use the dark theme' },
  signIn: { th: 'เข้าสู่ระบบ', en: 'Sign in' },
  user: { th: 'ผู้ใช้: {name}', en: 'User: {name}' },
  palette: { th: 'ค้นหาและสั่งงาน', en: 'Search and commands' },
  paletteHint: { th: 'พิมพ์ชื่อสถานที่ เหตุ หน่วย หรือหน้าจอ', en: 'Type a place, incident, unit or page' },
  paletteNone: { th: 'ไม่พบรายการที่ตรงกัน', en: 'Nothing matches' },
  goTo: { th: 'ไปที่หน้า {page}', en: 'Go to {page}' },
  page: { th: 'หน้าจอ', en: 'Page' },
  bangkokTime: { th: 'เวลาประเทศไทย', en: 'Bangkok time' },
  notFound: { th: 'ไม่พบหน้านี้', en: 'There is no such page' },
  notFoundText: { th: 'ที่อยู่ {path} ไม่มีอยู่ในระบบ', en: 'There is no page at {path}.' },
  toStart: { th: 'ไปหน้าปฏิบัติการ', en: 'Go to operations' },
  noRight: { th: 'ไม่มีสิทธิเปิดหน้านี้', en: 'You may not open this page' },
  noRightText: { th: 'หน้านี้ต้องใช้สิทธิ: {permission}', en: 'This page needs a permission: {permission}' },
  expired: { th: 'หมดเวลาใช้งาน โปรดเข้าสู่ระบบใหม่ งานที่ยังไม่บันทึกจะไม่ถูกส่ง', en: 'Your session has ended. Sign in again; unsaved work was not sent.' },
  exercise: { th: 'การฝึก', en: 'EXERCISE' },
  exerciseText: { th: 'ข้อมูลบนหน้าจอนี้เป็นการฝึก ไม่ใช่เหตุการณ์จริง', en: 'This screen shows an exercise, not real events.' },
  leaveExercise: { th: 'กลับสู่เหตุการณ์จริง', en: 'Back to the real city' },
  pageFailed: { th: 'โหลดหน้านี้ไม่สำเร็จ', en: 'This page could not be loaded' },
});

/** Groups of the navigation. */
export const groupWords = messages({
  now: { th: 'ขณะนี้', en: 'Now' },
  city: { th: 'เมือง', en: 'City' },
  evidence: { th: 'หลักฐาน', en: 'Evidence' },
  plans: { th: 'แผน', en: 'Plans' },
  people: { th: 'บุคลากร', en: 'People' },
  administration: { th: 'การตั้งค่า', en: 'Settings' },
});
