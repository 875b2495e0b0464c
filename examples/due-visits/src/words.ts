/** The page's own words. Names of values, visits, scales and problems come from the service. */

export type Language = "en" | "zh-CN";

const ENGLISH = {
  title: "Due visits",
  language: "Language",
  signIn: "Sign in",
  signInAgain: "Your session is over. Sign in again to go on: what you entered is kept.",
  signOut: "Sign out",
  anotherPerson: "Discard what was entered and sign out",
  username: "User name",
  password: "Password",
  code: "Six digits of your authenticator",
  show: "Show",
  showOpen: "Due and overdue",
  showUngraded: "To be graded",
  showDone: "Done",
  subject: "Subject",
  visit: "Visit",
  site: "Site",
  window: "Window",
  status: "Status",
  none: "No visits.",
  record: "Record",
  grade: "Grade",
  look: "Open",
  recordOf: "Record {code} of {number}",
  notReadable: "The list may be out of date.",
  loading: "Reading …",
  date: "Day of the visit",
  reason: "Why the recorded day changes",
  time: "Time of the assessment ({zone})",
  yes: "Yes",
  no: "No",
  required: "Please fill this in",
  save: "Save",
  saving: "Saving …",
  close: "Close",
  discard: "Discard what was entered?",
  mend: "Please mend the marked fields.",
  visitKept: "The day of the visit is recorded; the grading is not yet.",
  noAnswer: "The service does not answer.",
  unreachable: "No answer. Whether it was stored is not known: press Save again, nothing is stored twice.",
  changed: "Somebody else has changed this visit meanwhile. It now says: {now}. Look at your entries, then save again.",
  graded: "You have graded this visit: {grade}.",
  saved: "Saved: {number}, {code}.",
  flagged: "To be looked at: {flags}.",
  quote: "Quote {id} to the operators.",
  fault: "Something went wrong that this page does not know: {fault}",
};

export type Word = keyof typeof ENGLISH;

const CHINESE: Record<Word, string> = {
  title: "待访视",
  language: "语言",
  signIn: "登录",
  signInAgain: "会话已结束。请重新登录后继续：已填写的内容仍然保留。",
  signOut: "退出登录",
  anotherPerson: "放弃已填写的内容并退出登录",
  username: "用户名",
  password: "密码",
  code: "验证器上的六位数字",
  show: "显示",
  showOpen: "待访视和逾期",
  showUngraded: "待分级",
  showDone: "已完成",
  subject: "受试者",
  visit: "访视",
  site: "中心",
  window: "访视窗",
  status: "状态",
  none: "没有访视。",
  record: "记录",
  grade: "分级",
  look: "打开",
  recordOf: "记录 {number} 的 {code}",
  notReadable: "列表可能不是最新的。",
  loading: "正在读取……",
  date: "访视日期",
  reason: "更改已记录日期的原因",
  time: "评估时间（{zone}）",
  yes: "有",
  no: "无",
  required: "请填写",
  save: "保存",
  saving: "正在保存……",
  close: "关闭",
  discard: "放弃已填写的内容？",
  mend: "请改正标出的各项。",
  visitKept: "访视日期已记录；分级尚未记录。",
  noAnswer: "服务没有应答。",
  unreachable: "没有应答，不知道是否已保存：请再次点击“保存”，不会重复保存。",
  changed: "其间有人更改了此次访视，现为：{now}。请核对您填写的内容，然后再次保存。",
  graded: "您已对此次访视作出分级：{grade}。",
  saved: "已保存：{number}，{code}。",
  flagged: "请留意：{flags}。",
  quote: "请向运维人员提供 {id}。",
  fault: "出现了本页面无法识别的故障：{fault}",
};

let spoken: Language = navigator.language.startsWith("zh") ? "zh-CN" : "en";

export function language(): Language {
  return spoken;
}

/** Speak another language, and say the page's standing words in it. */
export function speak(chosen: Language): void {
  spoken = chosen;
  document.documentElement.lang = chosen === "en" ? "en" : "zh-Hans";
  document.title = word("title");
  for (const one of document.querySelectorAll<HTMLElement>("[data-word]")) {
    one.textContent = word(one.dataset["word"] as Word);
  }
}

/** A word of the page, with what belongs into its braces. */
export function word(name: Word, given: Record<string, string> = {}): string {
  const text = (spoken === "en" ? ENGLISH : CHINESE)[name];
  return text.replace(/\{(\w+)\}/g, (_, key: string) => given[key] ?? "");
}

/** Several in one sentence, as the language joins them. */
export function listed(names: string[]): string {
  return new Intl.ListFormat(spoken, { type: "unit", style: "long" }).format(names);
}

/** A local day of the trial, such as 2026-08-17. */
export function day(written: string): string {
  const format = new Intl.DateTimeFormat(spoken, { dateStyle: "medium", timeZone: "UTC" });
  return format.format(new Date(`${written}T00:00:00Z`));
}

/** The days of a window, both included. */
export function days(range: { from: string; to: string | null }): string {
  return range.to === null ? `${day(range.from)} –` : `${day(range.from)} – ${day(range.to)}`;
}
