// Numbers, times and spans of time for reading. Values follow the same table of units as the server's own.

export function value(number, unit) {
  if (number === null || number === undefined || !Number.isFinite(number)) return "–";
  const magnitude = Math.abs(number);
  let [size, suffix] = unit.steps[0];
  if (magnitude === 0) [size, suffix] = unit.steps.find((step) => step[0] === 1) ?? unit.steps[0];
  else for (const [bigger, name, since] of unit.steps) if (magnitude >= since) [size, suffix] = [bigger, name];
  return digits(number / size, unit.fine) + suffix;
}

function digits(number, fine) {
  const magnitude = Math.abs(number);
  if (magnitude >= 1000) return minus(Math.round(number).toLocaleString("en-US"));
  let decimals = 2;
  if (fine && magnitude >= 99 && magnitude < 100) {
    number = Math.floor(number * 1000) / 1000; // an objective that is missed must never read as 100
    decimals = 3;
  } else if (magnitude >= 100) decimals = magnitude % 1 < 0.05 ? 0 : 1;
  else if (magnitude >= 10) decimals = fine ? 2 : 1;
  else if (magnitude < 1 && magnitude > 0) decimals = Math.min(9, 2 - Math.floor(Math.log10(magnitude)));
  const shown = minus(number.toFixed(decimals));
  return shown.includes(".") ? shown.replace(/\.?0+$/, "") : shown;
}

function minus(text) {
  return text.replace("-", "−");
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const minute = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

export function time(at) {
  return clock.format(at);
}

// The time of day, with the day when it is not today.
export function moment(at, now = Date.now()) {
  const today = new Date(at).toDateString() === new Date(now).toDateString();
  return today ? clock.format(at) : `${day.format(at)} ${minute.format(at)}`;
}

// An alarm's reason, with alarms called by name: their ARNs say no more on a page of one account.
export function plain(reason) {
  return (reason ?? "").replace(/arn:aws[\w-]*:cloudwatch:[\w-]*:\d*:alarm:/g, "");
}

export function span(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}
