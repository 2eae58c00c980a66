// The overview: the verdict, every alarm, what changed lately, and the dashboards.
import { element, keyed, setText } from "./dom.js";
import { follow } from "./live.js";
import { moment, plain, span } from "./numbers.js";
import { STATE_NAMES, alarmLink, showTiles } from "./tiles.js";

const at = (id) => document.getElementById(id);

follow("/api/overview", (data) => {
  const frame = { now: data.to, from: data.from, to: data.to };
  verdict(data);
  const notify = data.alarms.filter((alarm) => alarm.notifies);
  const signals = data.alarms.filter((alarm) => !alarm.notifies);
  at("notify-section").hidden = !notify.length;
  at("signals-section").hidden = !signals.length;
  showTiles(at("notify"), notify, frame);
  showTiles(at("signals"), signals, frame);
  changes(data);
  boards(data);
});

function verdict({ alarms, counts, to, dashboards }) {
  const firing = alarms.filter((alarm) => alarm.state === "ALARM");
  const paging = firing.filter((alarm) => alarm.notifies);
  const worst = paging[0] ?? firing[0];
  const [title, detail] = at("verdict").children;
  const many = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;
  let state = "OK";
  if (!alarms.length) {
    state = "INSUFFICIENT_DATA";
    setText(title, "No alarms yet");
    setText(detail, "Put the ones in alarms/ with `kit apply`.");
  } else if (worst) {
    state = "ALARM";
    setText(title, `${many(paging.length || firing.length, paging.length ? "alarm" : "signal")} firing`);
    setText(detail, `${worst.name} for ${span(to - worst.since)}.`);
  } else if (counts.OK === 0) {
    state = "INSUFFICIENT_DATA";
    setText(title, "No data yet");
    setText(detail, `${many(alarms.length, "alarm")} waiting for data.`);
  } else {
    setText(title, "All quiet");
    const unknown = counts.INSUFFICIENT_DATA;
    setText(detail, `${many(counts.OK, "alarm")} OK${unknown ? `, ${unknown} without data` : ""}. ${many(dashboards.length, "dashboard")}.`);
  }
  at("verdict").dataset.state = state;
}

function changes({ changes: list, to }) {
  const shown = list.length ? list : [{ none: true, at: 0, alarm: "" }];
  keyed(
    at("changes"), shown, (change) => `${change.at} ${change.alarm}`,
    (change) =>
      change.none
        ? element("li", { className: "empty", text: "None in this time range." })
        : element(
            "li", {},
            element("time", { text: moment(change.at, to), datetime: new Date(change.at).toISOString() }),
            element("span", { className: "move" },
              element("i", { data: { state: change.before }, title: change.before }),
              element("i", { data: { state: change.after }, title: change.after })),
            element("div", {},
              element("a", { text: change.alarm, href: alarmLink(change.alarm) }),
              element("p", { text: `${STATE_NAMES[change.after] ?? change.after}. ${plain(change.reason)}`, title: change.reason })),
          ),
    () => {},
  );
}

function boards({ dashboards, to }) {
  const shown = dashboards.length ? dashboards : [{ name: "", none: true }];
  keyed(
    at("boards"), shown, (board) => board.name,
    (board) =>
      board.none
        ? element("li", { className: "empty", text: "None yet. Put the ones in dashboards/ with `kit apply`." })
        : element("li", {},
            element("a", { text: board.name, href: `/dashboards/${encodeURIComponent(board.name)}` }),
            element("span")),
    (node, board) => {
      if (!board.none) setText(node.lastChild, board.modified ? `changed ${moment(board.modified, to)}` : "");
    },
  );
}
