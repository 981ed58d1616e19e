import { messages } from '$lib/i18n.svelte';

export const msg = messages({
  title: { th: 'เข้าสู่ระบบ', en: 'Sign in' },
  subtitle: { th: 'แพลตฟอร์มข้อมูลเมืองและศูนย์บัญชาการ จังหวัดภูเก็ต', en: 'City data platform and command center, Phuket' },
  username: { th: 'ชื่อผู้ใช้', en: 'User name' },
  password: { th: 'รหัสผ่าน', en: 'Password' },
  submit: { th: 'เข้าสู่ระบบ', en: 'Sign in' },
  wrong: { th: 'ชื่อผู้ใช้หรือรหัสผ่านไม่ถูกต้อง', en: 'The user name or password is wrong.' },
  tooMany: { th: 'ลองเข้าสู่ระบบหลายครั้งเกินไป โปรดรอสักครู่', en: 'Too many attempts. Please wait a moment.' },
  signOut: { th: 'ออกจากระบบ', en: 'Sign out' },
  already: { th: 'ขณะนี้เข้าสู่ระบบในชื่อ {name}', en: 'You are signed in as {name}.' },
  goOn: { th: 'ไปยังหน้าปฏิบัติการ', en: 'Continue to operations' },
  asPublic: { th: 'ดูข้อมูลสาธารณะโดยไม่เข้าสู่ระบบ', en: 'See public data without signing in' },
});
