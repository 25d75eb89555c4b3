// Small conveniences; every page says the same without them.
(function () {
  "use strict";
  var root = document.currentScript.dataset.root;

  // How old the page is, and whether the morning is missing.
  var age = document.querySelector(".age[data-made]");
  function spell(ms) {
    var minutes = Math.max(0, Math.round(ms / 60000));
    if (minutes < 1) return "just now";
    if (minutes < 90) return minutes + (minutes === 1 ? " minute ago" : " minutes ago");
    if (minutes < 48 * 60) return Math.round(minutes / 60) + " hours ago";
    return Math.round(minutes / 1440) + " days ago";
  }
  function tick() {
    var now = Date.now();
    age.querySelector(".ago").textContent = spell(now - Date.parse(age.dataset.made));
    if (age.dataset.due && now > Date.parse(age.dataset.due)) age.classList.add("late");
    age.querySelectorAll("[data-late]").forEach(function (part) {
      part.hidden = (part.dataset.late === "yes") !== age.classList.contains("late");
    });
  }
  document.querySelectorAll("[data-awaited]").forEach(function (row) {
    if (Date.now() > Date.parse(row.dataset.awaited)) row.querySelector(".word").textContent = "late";
  });
  if (age) { tick(); setInterval(tick, 60000); }

  // The filter; what it says is in the address, so that a link carries it.
  var filter = document.getElementById("filter");
  if (filter) {
    filter.closest(".filter").hidden = false;
    var rows = Array.prototype.slice.call(document.querySelectorAll(".finding, [data-find]"));
    var texts = rows.map(function (row) { return (row.textContent + " " + (row.dataset.find || "")).toLowerCase(); });
    var apply = function () {
      var words = filter.value.toLowerCase().split(/\s+/).filter(Boolean), shown = 0;
      rows.forEach(function (row, index) {
        row.hidden = !words.every(function (word) { return texts[index].indexOf(word) >= 0; });
        if (!row.hidden) shown += 1;
      });
      document.getElementById("shown").textContent = words.length ? shown + " of " + rows.length + " shown" : "";
    };
    var fromAddress = function () {
      var found = /(?:^#|&)q=([^&]*)/.exec(location.hash);
      if (found) { try { filter.value = decodeURIComponent(found[1]); } catch (e) { filter.value = found[1]; } }
      apply();
    };
    filter.addEventListener("input", function () {
      apply();
      history.replaceState(null, "", filter.value ? "#q=" + encodeURIComponent(filter.value) : location.pathname + location.search);
    });
    window.addEventListener("hashchange", fromAddress);
    fromAddress();
  }

  // On paper everything is open.
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details.members, details.long").forEach(function (fold) { fold.open = true; });
  });
  // A link into a fold opens it.
  function reveal() {
    var target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    var fold = target && target.closest("details:not([open])");
    if (fold) { fold.open = true; target.scrollIntoView(); }
  }
  try { reveal(); } catch (e) { /* a hash that is no name */ }
  window.addEventListener("hashchange", function () { try { reveal(); } catch (e) { /* as above */ } });

  // Experts' interactive figures: data from the page, drawn by the shared script.
  if (window.Plotly) {
    document.querySelectorAll("figure.plotly").forEach(function (figure) {
      var place = figure.querySelector(".drawn");
      var undone = function () { figure.classList.remove("live"); place.textContent = ""; };
      try {
        figure.classList.add("live"); // before drawing: it takes the width it finds
        var drawing = JSON.parse(figure.querySelector("script").textContent);
        drawing.layout.autosize = true;
        delete drawing.layout.width;
        window.Plotly.newPlot(place, drawing.data, drawing.layout, {
          responsive: true, displaylogo: false, showLink: false, plotlyServerURL: "",
          modeBarButtonsToRemove: ["sendDataToCloud"]
        }).catch(undone);
      } catch (e) { undone(); }
    });
  }

  // Values under the pointer and a closer look, for pictures that bring their numbers along.
  function bytes(text) { return Uint8Array.from(atob(text), function (c) { return c.charCodeAt(0); }); }
  function numbers(text) {
    var found = bytes(text);
    return new Float32Array(found.buffer, 0, Math.floor(found.length / 4));
  }
  function figures(value) {
    var size = Math.abs(value);
    return size && (size < 1e-3 || size >= 1e6) ? value.toExponential(3) : String(Number(value.toPrecision(5)));
  }
  function drawn(name, into, about, text) {
    var made = document.createElementNS("http://www.w3.org/2000/svg", name);
    Object.keys(about).forEach(function (key) { made.setAttribute(key, about[key]); });
    if (text !== undefined) made.textContent = text;
    into.appendChild(made);
    return made;
  }
  function element(name, kind, into) {
    var made = document.createElement(name);
    made.className = kind;
    into.appendChild(made);
    return made;
  }
  var SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAYS = 24 * HOUR;
  var STEPS = [1, 2, 5, 10, 15, 30].map(function (n) { return n * SECOND; }).concat(
    [1, 2, 5, 10, 15, 30].map(function (n) { return n * MINUTE; }),
    [1, 2, 3, 6, 12].map(function (n) { return n * HOUR; }), [1, 2, 7, 14, 30, 90, 365].map(function (n) { return n * DAYS; }));

  // Times as the clocks of a zone show them.
  function clockOf(zone) {
    var parts = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" });
    var months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    function read(ms) {
      var found = {};
      parts.formatToParts(new Date(ms)).forEach(function (part) { found[part.type] = part.value; });
      found.month = found.month.slice(0, 3);
      return found;
    }
    function offset(ms) {
      var at = read(ms);
      return Date.UTC(at.year, months.indexOf(at.month), at.day, at.hour, at.minute, at.second) - Math.floor(ms / SECOND) * SECOND;
    }
    return {
      offset: offset,
      day: function (ms) { var at = read(ms); return at.day + " " + at.month; },
      time: function (ms) { var at = read(ms); return at.hour + ":" + at.minute + ":" + at.second; },
      full: function (ms) { var at = read(ms); return at.day + " " + at.month + " " + at.year + ", " + at.hour + ":" + at.minute + ":" + at.second; },
      zone: function (ms) { return read(ms).timeZoneName; }
    };
  }
  function timeTicks(from, to, clock) {
    var step = STEPS.filter(function (one) { return (to - from) / one <= 7; })[0] || STEPS[STEPS.length - 1];
    var ticks = [], shift = clock.offset(from), local = Math.ceil((from + shift) / step) * step;
    for (; ticks.length < 20; local += step) {
      var at = local - clock.offset(local - shift);
      if (at > to) break;
      var time = clock.time(at);
      ticks.push([at, time === "00:00:00" ? clock.day(at) : step < MINUTE ? time : time.slice(0, 5)]);
    }
    return ticks;
  }
  function numberTicks(from, to) {
    var rough = (to - from) / 7, power = Math.pow(10, Math.floor(Math.log10(rough))), ticks = [];
    var step = [1, 2, 5, 10].map(function (n) { return n * power; }).filter(function (one) { return one >= rough; })[0];
    for (var i = Math.ceil(from / step); i * step <= to; i += 1) ticks.push([i * step, String(Number((i * step).toPrecision(6)))]);
    return ticks;
  }

  document.querySelectorAll("figure.read").forEach(function (figure) {
    var image = figure.querySelector("img"), data, clock;
    try {
      data = JSON.parse(figure.querySelector("script").textContent);
      clock = clockOf(data.zone);
      data.axes.forEach(function (axes) {
        axes.time = !axes.across;
        axes.scale = axes.across || (axes.map ? { start: data.start, columns: axes.map.columns, step: data.step * data.columns / axes.map.columns } : data);
        axes.from = axes.first = axes.scale.start;
        axes.to = axes.last = axes.scale.start + axes.scale.step * axes.scale.columns;
        if (axes.map) axes.map.index = bytes(axes.map.index);
        axes.series.forEach(function (one) {
          one.low = numbers(one.low);
          one.high = one.high ? numbers(one.high) : one.low;
        });
      });
    } catch (e) { return; }
    var zooms = data.axes.some(function (axes) { return axes.y; });
    var stage = document.createElement("div");
    stage.className = "stage";
    image.replaceWith(stage);
    stage.appendChild(image);
    image.draggable = false;
    var sheet = drawn("svg", stage, { "class": "closer", viewBox: "0 0 " + data.size[0] + " " + data.size[1], preserveAspectRatio: "none", "aria-hidden": "true" });
    var line = element("div", "line", stage), box = element("div", "values", stage), chosen = element("div", "chosen", stage);
    line.hidden = box.hidden = chosen.hidden = true;
    var cursor = null, began = null, current = data.axes[0], tools = null;

    function kin(axes) { return data.axes.filter(function (one) { return one.time === axes.time; }); }
    function share(axes, at) { return axes.box[0] + (at - axes.from) / (axes.to - axes.from) * axes.box[2]; }
    function height(axes, value) {
      var part = (value / 2 - axes.y[0] / 2) / (axes.y[1] / 2 - axes.y[0] / 2);
      return axes.box[1] + axes.box[3] * (1 - Math.min(1, Math.max(0, part)));
    }
    function valueAt(axes, x) { return axes.from + (x - axes.box[0]) / axes.box[2] * (axes.to - axes.from); }
    function hide() { line.hidden = box.hidden = true; cursor = null; }

    // One series within the columns shown, as runs of [x, low, high].
    function runs(axes, one) {
      var scale = axes.scale, found = [], run = [], last = -1;
      var start = Math.floor((axes.from - scale.start) / scale.step), stop = Math.ceil((axes.to - scale.start) / scale.step);
      while (start > 0 && isNaN(one.low[start - 1])) start -= 1; // the sample before, to come from
      while (stop < scale.columns && isNaN(one.low[stop])) stop += 1;
      for (var i = Math.max(0, start - 1); i < Math.min(scale.columns, stop + 1); i += 1) {
        if (isNaN(one.low[i])) continue;
        var broken = one.low[i] === Infinity;
        if (run.length && (broken || (one.reach && i - last > one.reach))) { found.push(run); run = []; }
        if (broken) continue;
        var x = share(axes, scale.start + (i + 0.5) * scale.step), low = height(axes, one.low[i]), high = height(axes, one.high[i]);
        if (one.steps && run.length) run.push([x, run[run.length - 1][1], run[run.length - 1][2]]);
        run.push([x, low, high]);
        last = i;
      }
      if (one.steps && !one.reach && run.length) run.push([axes.box[0] + axes.box[2], run[run.length - 1][1], run[run.length - 1][2]]);
      if (run.length) found.push(run);
      return found;
    }
    function path(points) {
      return "M" + points.map(function (point) { return point[0].toFixed(1) + " " + point[1].toFixed(1); }).join("L");
    }
    function drawSeries(axes, one, into) {
      runs(axes, one).forEach(function (run) {
        var low = run.map(function (p) { return [p[0], p[1]]; }), high = run.map(function (p) { return [p[0], p[2]]; });
        var thick = run.some(function (p) { return p[1] - p[2] > 1; });
        if (run.length === 1) drawn("path", into, { "class": "dot s-" + one.paint, d: path(low.concat(high)) });
        else if (thick) drawn("path", into, { "class": "band s-" + one.paint, d: path(high.concat(low.reverse())) + "z" });
        else drawn("path", into, { "class": "s-" + one.paint, d: path(low) });
      });
    }
    function drawAxes(axes, number) {
      var b = axes.box, right = b[0] + b[2], bottom = b[1] + b[3], id = "cut" + Array.prototype.indexOf.call(document.querySelectorAll("figure.read"), figure) + "-" + number;
      var group = drawn("g", sheet, {});
      drawn("rect", drawn("clipPath", drawn("defs", group, {}), { id: id }), { x: b[0], y: b[1], width: b[2], height: b[3] });
      drawn("rect", group, { "class": "plot", x: b[0], y: b[1], width: b[2], height: b[3] });
      var inside = drawn("g", group, { "clip-path": "url(#" + id + ")" });
      var ticks = axes.time ? timeTicks(axes.from, axes.to, clock) : numberTicks(axes.from, axes.to);
      var stretched = function (into) { // the picture itself, wider: for maps, and for the modes above
        var wide = (axes.last - axes.first) / (axes.to - axes.from), left = b[0] - (axes.from - axes.first) / (axes.last - axes.first) * b[2] * wide;
        drawn("image", into, { href: image.currentSrc || image.src, preserveAspectRatio: "none", x: left - b[0] * wide, y: 0, width: data.size[0] * wide, height: data.size[1] });
      };
      if (axes.lane) {
        drawn("rect", drawn("clipPath", drawn("defs", group, {}), { id: id + "-lane" }), { x: b[0], y: axes.lane[0], width: b[2], height: axes.lane[1] });
        stretched(drawn("g", group, { "class": "lane", "clip-path": "url(#" + id + "-lane)" }));
      }
      if (axes.map) {
        stretched(inside);
      } else {
        axes.grid.forEach(function (y) { drawn("path", inside, { "class": "grid", d: "M" + b[0] + " " + y + "H" + right }); });
        ticks.forEach(function (tick) { drawn("path", inside, { "class": "grid", d: "M" + share(axes, tick[0]).toFixed(1) + " " + b[1] + "V" + bottom }); });
        axes.series.forEach(function (one) { drawSeries(axes, one, inside); });
        (axes.limits || []).forEach(function (limit) {
          drawn("path", inside, { "class": "limit s-" + limit[3], d: "M" + b[0] + " " + limit[0] + "H" + right });
          drawn("text", inside, { "class": "f-" + limit[3], x: right - 5, y: limit[0] - 4, "text-anchor": "end" }, limit[1] + " " + figures(limit[2]));
        });
      }
      var lowest = kin(axes).every(function (one) { return one.box[1] <= b[1]; });
      if (!lowest) return;
      drawn("rect", group, { "class": "card", x: 0, y: bottom + 6, width: b[0], height: 33 }); // below the lowest value
      drawn("rect", group, { "class": "card", x: b[0] - 4, y: bottom + 1, width: data.size[0] - b[0] + 4, height: 38 });
      drawn("path", group, { "class": "frame", d: "M" + b[0] + " " + bottom + "H" + right });
      ticks.forEach(function (tick) {
        var x = Math.min(data.size[0] - 26, share(axes, tick[0]));
        drawn("text", group, { "class": "tick", x: x.toFixed(1), y: bottom + 17, "text-anchor": "middle" }, tick[1]);
      });
      drawn("text", group, { "class": "tick", x: data.size[0] - 8, y: bottom + 34, "text-anchor": "end" }, spanOf(axes));
    }
    function spanOf(axes) {
      if (!axes.time) return axes.across.label + " " + figures(axes.from) + " to " + figures(axes.to);
      var end = clock.day(axes.from) === clock.day(axes.to) ? clock.time(axes.to) : clock.full(axes.to);
      return clock.full(axes.from) + " to " + end + " " + clock.zone(axes.from);
    }
    function whole(axes) { return axes.from <= axes.first && axes.to >= axes.last; }
    function redraw() {
      sheet.textContent = "";
      hide();
      data.axes.forEach(function (axes, number) { if (!whole(axes)) drawAxes(axes, number); });
      var closer = data.axes.filter(function (axes) { return !whole(axes); });
      figure.classList.toggle("zoomed", closer.length > 0);
      if (!tools) return;
      tools.back.disabled = tools.out.disabled = tools.left.disabled = tools.right.disabled = !closer.length;
      tools.said.textContent = closer.length ? "Shown: " + spanOf(closer.indexOf(current) >= 0 ? current : closer[0]) : "";
    }
    function show(axes, from, to) {
      var least = Math.min(axes.last - axes.first, 8 * axes.scale.step), span = Math.min(axes.last - axes.first, Math.max(least, to - from));
      from = Math.max(axes.first, Math.min((from + to) / 2 - span / 2, axes.last - span));
      current = axes;
      kin(axes).forEach(function (one) { one.from = from; one.to = Math.min(one.last, from + span); });
      redraw();
    }
    function zoom(by) {
      var span = (current.to - current.from) * by, middle = cursor === null ? (current.from + current.to) / 2 : valueAt(current, cursor);
      var part = (middle - current.from) / (current.to - current.from);
      show(current, middle - part * span, middle + (1 - part) * span);
    }
    function move(by) { var span = current.to - current.from; show(current, current.from + by * span, current.to + by * span); }
    function reset() {
      data.axes.forEach(function (axes) { axes.from = axes.first; axes.to = axes.last; });
      redraw();
    }

    function told(axes, x, y) {
      var at = valueAt(axes, x), scale = axes.scale, unit = axes.unit ? " " + axes.unit : "";
      var column = Math.max(0, Math.min(scale.columns - 1, Math.floor((at - scale.start) / scale.step)));
      var middle = scale.start + (column + 0.5) * scale.step;
      var lines = [axes.time ? clock.full(middle) + " " + clock.zone(middle) : axes.across.label + " " + (scale.step === 1 && scale.start === 0 ? column : figures(middle))];
      if (axes.map) {
        var map = axes.map, row = Math.max(0, Math.min(map.rows - 1, Math.floor((axes.box[1] + axes.box[3] - y) / axes.box[3] * map.rows)));
        var first = Math.floor(row * map.elements / map.rows), past = Math.floor((row + 1) * map.elements / map.rows) - 1;
        var code = map.index[row * map.columns + column], value = map.low + (code - 1) / 253 * (map.high - map.low);
        var beyond = code === 1 && map.more[0] ? "≤ " : code === 254 && map.more[1] ? "≥ " : "≈ ";
        lines.push(map.element + " " + (past > first ? first + " to " + past + ", mean" : first));
        lines.push(map.name + "  " + (code ? beyond + Number(value.toPrecision(3)) + unit : "none"));
      }
      axes.series.forEach(function (one) {
        var low = one.low[column], high = one.high[column], none = !isFinite(low);
        var value = none ? "none" : low === high ? figures(low) : figures(low) + " … " + figures(high);
        lines.push(one.name + "  " + value + (none ? "" : unit));
      });
      return lines.join("\n");
    }
    function read(axes, x, y) {
      var scale = image.clientWidth / data.size[0], left = image.offsetLeft, top = image.offsetTop;
      cursor = x; current = axes;
      box.textContent = told(axes, x, y);
      line.hidden = box.hidden = false;
      line.style.left = (left + x * scale) + "px";
      line.style.top = (top + axes.box[1] * scale) + "px";
      line.style.height = (axes.box[3] * scale) + "px";
      box.style.left = Math.max(0, Math.min(left + x * scale + 10, left + image.clientWidth - box.offsetWidth)) + "px";
      box.style.top = (top + axes.box[1] * scale + 6) + "px";
    }
    function place(event) {
      var frame = image.getBoundingClientRect(), scale = frame.width / data.size[0];
      return [(event.clientX - frame.left) / scale, (event.clientY - frame.top) / scale];
    }
    function under(at) {
      return data.axes.filter(function (one) {
        return at[0] >= one.box[0] && at[0] <= one.box[0] + one.box[2] && at[1] >= one.box[1] && at[1] <= one.box[1] + one.box[3];
      })[0];
    }
    image.addEventListener("pointerleave", function () { if (!began) hide(); });
    image.addEventListener("pointermove", function (event) {
      var at = place(event), axes = began ? began.axes : under(at);
      if (!axes) return hide();
      at[0] = Math.max(axes.box[0], Math.min(axes.box[0] + axes.box[2], at[0]));
      read(axes, at[0], at[1]);
      if (!began) return;
      var scale = image.clientWidth / data.size[0], low = Math.min(began.x, at[0]);
      began.end = at[0];
      chosen.hidden = Math.abs(began.x - at[0]) < 4;
      chosen.style.left = (low * scale) + "px";
      chosen.style.width = (Math.abs(began.x - at[0]) * scale) + "px";
      chosen.style.top = (axes.box[1] * scale) + "px";
      chosen.style.height = (axes.box[3] * scale) + "px";
    });
    if (!zooms) return;
    image.addEventListener("pointerdown", function (event) {
      var at = place(event), axes = under(at);
      if (!axes || event.pointerType === "touch" || event.button) return;
      began = { axes: axes, x: at[0], end: at[0] };
      image.setPointerCapture(event.pointerId);
    });
    image.addEventListener("pointerup", function () {
      var drag = began;
      began = null; chosen.hidden = true;
      if (!drag || Math.abs(drag.end - drag.x) < 4) return;
      show(drag.axes, valueAt(drag.axes, Math.min(drag.x, drag.end)), valueAt(drag.axes, Math.max(drag.x, drag.end)));
    });
    image.addEventListener("pointercancel", function () { began = null; chosen.hidden = true; hide(); });
    image.addEventListener("dblclick", reset);

    // The same by keys and by buttons.
    stage.tabIndex = 0;
    stage.setAttribute("role", "group");
    stage.setAttribute("aria-label", "Figure: plus and minus zoom, arrows move, Escape shows all");
    stage.addEventListener("keydown", function (event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      var step = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
      if (event.key === "+" || event.key === "=") zoom(0.5);
      else if (event.key === "-") zoom(2);
      else if (event.key === "Escape" || event.key === "0") { began = null; chosen.hidden = true; reset(); }
      else if (step && !whole(current)) move(step * 0.25);
      else if (step) {
        var b = current.box, x = cursor === null ? b[0] + b[2] / 2 : cursor + step * b[2] / 100;
        read(current, Math.max(b[0], Math.min(b[0] + b[2], x)), b[1] + b[3] / 2);
      } else return;
      event.preventDefault();
    });
    stage.addEventListener("blur", hide);
    var bar = document.createElement("div");
    bar.className = "tools";
    stage.after(bar);
    var button = function (text, label, work) {
      var made = element("button", "", bar);
      made.type = "button"; made.textContent = text; made.title = label;
      made.setAttribute("aria-label", label);
      made.addEventListener("click", work);
      return made;
    };
    button("+", "Zoom in", function () { cursor = null; zoom(0.5); });
    tools = {
      out: button("−", "Zoom out", function () { cursor = null; zoom(2); }),
      left: button("←", "Earlier, or lower elements", function () { move(-0.25); }),
      right: button("→", "Later, or higher elements", function () { move(0.25); }),
      back: button("All", "Show all again", reset),
      said: element("span", "span", bar)
    };
    tools.said.setAttribute("role", "status");
    redraw();
  });

  // Search over months of reports, loaded as scripts since a page on a disk may not fetch.
  var form = document.getElementById("search");
  if (form) {
    var store = {}, waiting = [], months = null;
    var query = document.getElementById("query"), bad = document.getElementById("bad");
    var results = document.getElementById("results"), found = document.getElementById("found");
    var words = { o: "✓ fine", w: "△ warning", a: "▲ alarm", i: "? could not be judged", f: "✕ run failed", n: "– not applicable" };
    var classes = { o: "ok", w: "warning", a: "alarm", i: "invalid", f: "failed", n: "not_applicable" };
    window.oafSearch = function (key, content) {
      if (key === "months") { months = content; waiting = content.slice(); }
      store[key] = content;
    };
    var load = function (name, then) {
      var script = document.createElement("script");
      script.src = root + "search/" + name + ".js";
      script.onload = script.onerror = then;
      document.head.appendChild(script);
    };
    var find = function () {
      var wanted = query.value.toLowerCase().split(/\s+/).filter(Boolean);
      results.textContent = ""; found.textContent = "";
      if (!wanted.length && !bad.checked) return;
      var names = store.names || {}, hits = 0, seen = 0;
      (months || []).forEach(function (month) {
        var lines = store[month] || {};
        Object.keys(lines).sort(function (a, b) { return lines[a][2] < lines[b][2] ? 1 : -1; }).forEach(function (path) {
          var line = lines[path], loud = line.slice(3);
          seen += 1;
          if (bad.checked && "aif".indexOf(line[1]) < 0) return;
          var about = names[line[0]] || [];
          var head = (path + " " + line[2]).toLowerCase(), which = [];
          var ok = wanted.every(function (word) {
            if (head.indexOf(word) >= 0) return true;
            var inside = (bad.checked ? loud : about.concat(loud)).filter(function (name) { return name.toLowerCase().indexOf(word) >= 0; });
            if (inside.length && which.indexOf(inside[0]) < 0) which.push(inside[0]);
            return inside.length > 0;
          });
          if (!ok) return;
          hits += 1;
          if (hits > 200) return;
          var item = document.createElement("li"), chip = document.createElement("span"), link = document.createElement("a");
          chip.className = "chip " + classes[line[1]]; chip.textContent = words[line[1]];
          link.href = root + "reports/" + path + "/index.html"; link.textContent = path.split("/").join(" / ");
          item.append(chip, " ", link, which.length ? " " + which.join(", ") : "");
          results.appendChild(item);
        });
      });
      found.textContent = hits + (hits === 1 ? " report" : " reports") + (hits > 200 ? ", the latest 200 shown" : "") + " of " + seen + (waiting.length ? "; reading older months …" : "");
    };
    var timer = 0;
    var next = function () {
      find();
      if (waiting.length) load(waiting.shift(), next);
    };
    form.hidden = false;
    form.addEventListener("submit", function (event) { event.preventDefault(); });
    [query, bad].forEach(function (input) {
      input.addEventListener("input", function () {
        clearTimeout(timer); timer = setTimeout(find, 120);
        history.replaceState(null, "", query.value ? "#q=" + encodeURIComponent(query.value) : location.pathname + location.search);
      });
    });
    var asked = /(?:^#|&)q=([^&]*)/.exec(location.hash);
    if (asked) { try { query.value = decodeURIComponent(asked[1]); } catch (e) { /* not ours */ } }
    load("months", function () { load("names", next); });
  }
})();
