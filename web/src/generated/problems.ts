/** Made from the error classes in src/andaman by `make generated`. Do not edit. */
export type ParamKind = 'name' | 'state' | 'states' | 'field' | 'number' | 'text';
export interface ProblemWords {
  readonly th: string;
  readonly en: string;
  readonly params?: Readonly<Record<string, ParamKind>>;
}

export const problems: Readonly<Record<string, ProblemWords>> = {
  "already-exists": {"th": "มีรายการนี้อยู่แล้ว", "en": "It exists already"},
  "bad-request-data": {"th": "ข้อมูลที่ส่งไม่ถูกต้อง", "en": "The data that was sent is not valid"},
  "changed-meanwhile": {"th": "มีผู้แก้ไขรายการนี้พร้อมกันหลายคน ยังไม่มีการบันทึก โปรดลองอีกครั้ง", "en": "Too many people changed this at once; nothing was written, try again", "params": {}},
  "conflict": {"th": "สถานะปัจจุบันไม่อนุญาตให้ทำขั้นตอนนี้ อาจมีผู้อื่นดำเนินการไปแล้ว", "en": "The current state does not allow this; someone else may have acted already"},
  "field-missing": {"th": "โปรดกรอก{field}", "en": "{field} is missing", "params": {"field": "field"}},
  "field-too-long": {"th": "{field}ยาวเกิน {limit} ตัวอักษร หรือมีอักขระที่ใช้ไม่ได้", "en": "{field} must be at most {limit} characters without control characters", "params": {"field": "field", "limit": "number"}},
  "forbidden": {"th": "สิทธิ์ของท่านไม่ครอบคลุมการดำเนินการนี้", "en": "Your role does not allow this"},
  "head-too-large": {"th": "ส่วนหัวของคำขอมีขนาดใหญ่เกินไป", "en": "The headers of the request are too large"},
  "internal-error": {"th": "เกิดข้อผิดพลาดในระบบ", "en": "Something went wrong in the platform"},
  "invalid-request": {"th": "คำขอไม่อยู่ในรูปแบบที่กำหนด", "en": "The request is not well-formed"},
  "ld-context-not-available": {"th": "ไม่สามารถเรียกใช้บริบท JSON-LD ได้", "en": "A JSON-LD context is not available"},
  "method-not-allowed": {"th": "ไม่สามารถดำเนินการด้วยวิธีนี้ได้", "en": "This method is not allowed here"},
  "no-such-tenant": {"th": "ไม่พบพื้นที่ข้อมูลนี้ หรือไม่มีสิทธิ์เข้าถึง", "en": "There is no such tenant, or you may not enter it"},
  "not-a-choice": {"th": "{field}ต้องเป็นค่าใดค่าหนึ่งต่อไปนี้: {choices}", "en": "{field} must be one of {choices}", "params": {"field": "field", "choices": "states"}},
  "not-a-time": {"th": "{field}ต้องเป็นวันเวลาพร้อมเขตเวลา เช่น 2026-11-22T07:32:00Z", "en": "{field} must be a date and time with its zone, such as 2026-11-22T07:32:00Z", "params": {"field": "field"}},
  "not-a-whole-number": {"th": "{field}ต้องเป็นจำนวนเต็มตั้งแต่ {low} ถึง {high}", "en": "{field} must be a whole number from {low} to {high}", "params": {"field": "field", "low": "number", "high": "number"}},
  "not-acceptable": {"th": "ระบบไม่มีข้อมูลในรูปแบบที่ขอ", "en": "The platform does not offer the requested format"},
  "not-signed-in": {"th": "โปรดเข้าสู่ระบบก่อน", "en": "Please sign in first"},
  "number-out-of-range": {"th": "{field}ต้องเป็นตัวเลขตั้งแต่ {low} ถึง {high}", "en": "{field} must be a number from {low} to {high}", "params": {"field": "field", "low": "number", "high": "number"}},
  "operation-not-supported": {"th": "ระบบไม่รองรับการดำเนินการนี้", "en": "The operation is not supported"},
  "resource-not-found": {"th": "ไม่พบรายการนี้ หรือไม่มีสิทธิ์เข้าถึง", "en": "It does not exist, or you may not see it"},
  "storage-full": {"th": "พื้นที่จัดเก็บข้อมูลเต็ม ยังไม่มีการบันทึก", "en": "The disk is full; nothing was written"},
  "too-complex-query": {"th": "คำค้นซับซ้อนเกินไป", "en": "The query is too complex"},
  "too-large": {"th": "ข้อมูลมีขนาดใหญ่เกินไป", "en": "The request is too large"},
  "too-many-requests": {"th": "มีคำขอมากเกินไป โปรดรอสักครู่แล้วลองใหม่อีกครั้ง", "en": "Too many requests; please wait a moment and try again"},
  "too-many-results": {"th": "ผลลัพธ์มีจำนวนมากเกินไป โปรดจำกัดขอบเขตคำค้น", "en": "The query has too many results"},
  "too-slow": {"th": "ระบบไม่ได้รับคำขอภายในเวลาที่กำหนด โปรดลองใหม่อีกครั้ง", "en": "The request did not arrive in time; please try again"},
  "unavailable": {"th": "ระบบยังรับคำสั่งไม่ได้ในขณะนี้ โปรดลองใหม่อีกครั้ง", "en": "The platform cannot take this now; please try again"},
  "unsupported-media-type": {"th": "ระบบไม่รองรับข้อมูลชนิดนี้", "en": "This media type is not supported"},
  "uri-too-long": {"th": "ที่อยู่ของคำขอยาวเกินไป", "en": "The address of the request is too long"},
};
