// Trends on a canvas: a lane a variable. What was is drawn plainly, what will be faintly.

const GUTTER = 176, MARGIN = 100;

class Trends {
  constructor(canvas, axis, root) {
    this.canvas = canvas;
    this.axis = axis;
    this.root = root;
    this.at = this.span = 0;
  }

  get length() { return this.scene.seconds; }

  show(scene) {
    this.scene = scene;
    this.lines = new Map(scene.lines.map(([check, key, value]) => [`${check}|${key}`, value]));
    this.axisFormat = new Intl.DateTimeFormat("en-GB", { timeZone: scene.zone, hour: "2-digit", minute: "2-digit" });
  }

  line(limit) { this.lines.set(`${limit.check}|${limit.key}`, limit.value); }

  // The time at a place on the screen.
  time(clientX) {
    const box = this.canvas.getBoundingClientRect();
    const [from, to] = this.range();
    return from + (to - from) * (clientX - box.left - GUTTER) / (box.width - GUTTER - MARGIN);
  }

  range() {
    const { span } = this;
    if (!span || span >= this.length) return [0, this.length];
    const to = Math.min(Math.max(this.at, span), this.length);
    return [to - span, to];
  }

  // Sizes, scales and the two still pictures of the whole window: what was, and what will be.
  paint(live) {
    const { lanes } = this.scene;
    const each = lanes.length > 24 ? 26 : lanes.length > 10 ? 36 : 58;
    this.each = each;
    const style = getComputedStyle(this.root);
    this.colours = Object.fromEntries(["ink", "soft", "line", "trace", "accent", "alarm", "warning", "invalid", "paper",
      "alarm-wash", "warning-wash", "invalid-wash", "na-wash", "ok-wash"].map((n) => [n, style.getPropertyValue(`--${n}`).trim()]));
    [this.ctx, this.width, this.height] = fitted(this.canvas, lanes.length * each);
    if (this.width <= GUTTER + MARGIN + 20) return;
    this.axisFrom = NaN;
    for (const lane of lanes) this.scale(lane);
    this.past = this.still(0, this.length, true);
    this.future = live ? null : this.still(0, this.length, false);
  }

  scale(lane) {
    if (lane.kind !== "line") return;
    if (!lane.reach) {
      let low = Infinity, high = -Infinity, last = -1;
      const steps = [];
      for (let i = 0; i < lane.low.length; i++) {
        if (Number.isNaN(lane.low[i])) continue;
        if (lane.low[i] < low) low = lane.low[i];
        if (lane.high[i] > high) high = lane.high[i];
        if (last >= 0 && steps.length < 500) steps.push(i - last);
        last = i;
      }
      steps.sort((a, b) => a - b);
      lane.reach = [low, high];
      lane.gap = 6 * (steps[steps.length >> 1] ?? 1);
    }
    let [low, high] = lane.reach;
    const span = high - low || Math.abs(high) || 1;
    for (const [check, key] of lane.limits) {
      const value = this.lines.get(`${check}|${key}`);
      if (value > high && value - high < span) high = value;
      if (value < low && low - value < span) low = value;
    }
    const room = 0.08 * (high - low) || Math.abs(high) * 0.1 || 1;
    lane.scale = [low - room, high + room];
  }

  still(from, to, past) {
    const canvas = document.createElement("canvas");
    canvas.width = this.canvas.width;
    canvas.height = this.canvas.height;
    const ctx = canvas.getContext("2d");
    ctx.scale(devicePixelRatio, devicePixelRatio);
    this.lanes(ctx, from, to, past);
    return canvas;
  }

  lanes(ctx, from, to, past, until = to) {
    const inner = this.width - GUTTER - MARGIN;
    const x = (t) => GUTTER + inner * (t - from) / (to - from);
    this.scene.lanes.forEach((lane, i) => {
      const top = i * this.each + 3, height = this.each - 6;
      ctx.globalAlpha = 1;
      if (past) for (const band of lane.bands) {
        const end = Math.min(band.to, until);
        if (end <= from || band.from >= end) continue;
        ctx.fillStyle = this.colours[`${band.severity.toLowerCase()}-wash`] ?? "transparent";
        ctx.fillRect(x(Math.max(band.from, from)), top - 2, x(end) - x(Math.max(band.from, from)), height + 4);
      }
      ctx.globalAlpha = past ? 1 : 0.22;
      if (lane.kind === "states") this.states(ctx, lane, x, top, height, from, until);
      if (lane.kind !== "line" || !lane.scale) return;
      const [low, high] = lane.scale;
      const y = (v) => top + height * (high - v) / (high - low);
      if (past) this.limitLines(ctx, lane, y, top, height);
      this.trace(ctx, lane, x, y, from, until);
    });
    ctx.globalAlpha = 1;
  }

  limitLines(ctx, lane, y, top, height) {
    ctx.setLineDash([6, 4]);
    for (const [check, key] of lane.limits) {
      const at = y(this.lines.get(`${check}|${key}`));
      if (at < top - 2 || at > top + height + 2) continue;
      ctx.strokeStyle = this.colours[key.startsWith("warning") ? "warning" : "alarm"];
      ctx.beginPath(); ctx.moveTo(GUTTER, at); ctx.lineTo(this.width - MARGIN, at); ctx.stroke();
    }
    ctx.setLineDash([]);
  }

  trace(ctx, lane, x, y, from, to) {
    const columns = lane.low.length, per = columns / this.length;
    const first = Math.max(0, Math.floor(from * per)), stop = Math.min(columns, Math.ceil(to * per));
    ctx.strokeStyle = ctx.fillStyle = this.colours.trace;
    ctx.lineWidth = 1;
    ctx.beginPath();
    let last = -Infinity, pixel = -1, low = Infinity, high = -Infinity, alone = false;
    const flush = () => {
      if (pixel < 0) return;
      ctx.lineTo(pixel, y(high));
      ctx.lineTo(pixel, y(low) + (low === high ? 0 : 0.5));
      if (alone) ctx.fillRect(pixel - 0.75, y(high) - 0.75, 1.5, 1.5);
      pixel = -1; low = Infinity; high = -Infinity;
    };
    for (let i = first; i < stop; i++) {
      const a = lane.low[i];
      if (a !== a) continue;
      const here = Math.round(x((i + 0.5) / per));
      if (here !== pixel) flush();
      if (i - last > lane.gap) { flush(); ctx.moveTo(here, y(lane.high[i])); alone = true; } else alone = false;
      pixel = here;
      if (a < low) low = a;
      if (lane.high[i] > high) high = lane.high[i];
      last = i;
    }
    flush();
    ctx.stroke();
  }

  states(ctx, lane, x, top, height, from, to) {
    ctx.font = "10px system-ui, sans-serif";
    lane.states.forEach(([a, b, text], i) => {
      if (b <= from || a >= to) return;
      const left = x(Math.max(a, from)), right = x(Math.min(b, to));
      ctx.fillStyle = this.colours[i % 2 ? "na-wash" : "ok-wash"];
      ctx.fillRect(left, top, right - left, height);
      if (right - left < 12) return;
      ctx.save();
      ctx.beginPath(); ctx.rect(left, top, right - left, height); ctx.clip();
      ctx.fillStyle = this.colours.ink;
      ctx.fillText(text, left + 3, top + height / 2 + 3);
      ctx.restore();
    });
  }

  draw(at) {
    if (!this.past) return;
    this.at = at;
    const { ctx, width, height } = this;
    const [from, to] = this.range();
    const inner = width - GUTTER - MARGIN;
    const x = GUTTER + inner * (Math.min(Math.max(at, from), to) - from) / (to - from);
    ctx.clearRect(0, 0, width, height);
    if (from === 0 && to === this.length) {
      if (this.future) ctx.drawImage(this.future, 0, 0, width, height);
      if (x > GUTTER) {
        ctx.clearRect(GUTTER, 0, x - GUTTER, height);
        ctx.drawImage(this.past, 0, 0, x * devicePixelRatio, this.past.height, 0, 0, x, height);
      }
    } else this.lanes(ctx, from, to, true, at);
    this.margins(from, to);
    ctx.strokeStyle = this.colours.accent;
    ctx.lineWidth = 1.5;
    ctx.beginPath(); ctx.moveTo(x, 0); ctx.lineTo(x, height); ctx.stroke();
  }

  // Whether its title is short, and no other's: four wires may all be a "photomultiplier voltage".
  titled({ title }) {
    return title && title.length < 30 && this.scene.lanes.filter((lane) => lane.title === title).length === 1;
  }

  // Names on the left, values at the cursor on the right.
  margins(from, to) {
    const { ctx, width } = this;
    ctx.font = "11px system-ui, sans-serif";
    this.scene.lanes.forEach((lane, i) => {
      const middle = i * this.each + this.each / 2 + 4;
      ctx.fillStyle = this.colours.ink;
      lane.label ??= broken(ctx, this.titled(lane) ? lane.title : lane.name, GUTTER - 12);
      lane.label.forEach((line, j) => ctx.fillText(line, 6, middle + 12 * j - 6 * (lane.label.length - 1)));
      ctx.fillStyle = this.colours.soft;
      let said = lane.kind === "nothing" ? elided(ctx, lane.absent, MARGIN - 10) : this.value(lane);
      const whole = `${said} ${lane.unit}`;
      if (lane.kind === "line" && said && ctx.measureText(whole).width < MARGIN - 8) said = whole;
      ctx.fillText(said, width - MARGIN + 6, middle);
      ctx.fillStyle = this.colours.line;
      ctx.fillRect(0, (i + 1) * this.each, width, 1);
    });
    if (from !== this.axisFrom) this.times(from, to);
  }

  // The times, in a strip of their own that does not scroll away.
  times(from, to) {
    this.axisFrom = from;
    const [ctx, width] = fitted(this.axis, 16);
    const inner = this.canvas.clientWidth - GUTTER - MARGIN;
    ctx.font = "11px system-ui, sans-serif";
    ctx.fillStyle = this.colours.soft;
    ctx.textAlign = "center";
    const count = Math.max(2, Math.floor(inner / 110));
    for (let i = 0; i <= count && width; i++) {
      const t = from + (to - from) * i / count;
      ctx.fillText(this.axisFormat.format(new Date((this.scene.start + t) * 1000)), GUTTER + inner * i / count, 12);
    }
  }

  // What the names and values at a place are of, whole: a tooltip.
  said(clientY) {
    const lane = this.scene.lanes[Math.floor((clientY - this.canvas.getBoundingClientRect().top) / this.each)];
    return lane ? [lane.name, lane.title, lane.unit].filter(Boolean).join(" · ") : "";
  }

  value(lane) {
    if (lane.kind === "states") return lane.states.findLast(([a]) => a <= this.at)?.[2] ?? "";
    let i = Math.min(lane.low.length - 1, Math.floor(this.at / this.length * lane.low.length));
    const least = Math.max(0, i - lane.gap);
    while (i > least && Number.isNaN(lane.low[i])) i -= 1;
    return Number.isNaN(lane.low[i]) ? "" : short(lane.high[i]);
  }
}

function fitted(canvas, height) {
  const width = Math.floor(canvas.parentElement.clientWidth);
  const ratio = devicePixelRatio;
  canvas.width = Math.max(1, width * ratio);
  canvas.height = height * ratio;
  canvas.style.height = `${height}px`;
  const ctx = canvas.getContext("2d");
  ctx.scale(ratio, ratio);
  return [ctx, width, height];
}

// A number as the pages write it: 62,183, 4.136×10¹².
function short(value) {
  const size = Math.abs(value);
  if (!size || (size < 1e7 && size >= 1e-4)) {
    return Number(value.toPrecision(5)).toLocaleString("en-GB", { maximumSignificantDigits: 5 }).replace("-", "−");
  }
  const [mantissa, power] = Number(value.toPrecision(4)).toExponential().split("e");
  const raised = [...power.replace("+", "")].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]).join("");
  return `${mantissa.replace("-", "−")}×10${raised}`;
}

// A name in one line, or in two that part at its last mark which leaves both within `width`.
function broken(ctx, text, width) {
  const fits = (part) => ctx.measureText(part).width <= width;
  if (fits(text)) return [text];
  for (const mark of [":", " ", "/", ".", "_"]) {
    for (let at = text.lastIndexOf(mark); at > 0; at = text.lastIndexOf(mark, at - 1)) {
      const lines = [text.slice(0, at + 1).trimEnd(), text.slice(at + 1)];
      if (lines.every(fits)) return lines;
    }
  }
  return [elided(ctx, text, width)];
}

function elided(ctx, text, width) {
  if (ctx.measureText(text).width <= width) return text;
  const half = (n) => `${text.slice(0, n)}…${text.slice(-n)}`;
  let n = text.length >> 1;
  while (n > 3 && ctx.measureText(half(n)).width > width) n -= 1;
  return half(n);
}
