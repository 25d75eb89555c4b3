// Small conveniences; every page says the same without them.
(function () {
  "use strict";
  var root = document.currentScript.dataset.root;

  // How old the page is, and whether the morning is missing.
  var age = document.querySelector(".age[data-made]");
  function spell(ms) {
    var minutes = Math.max(0, Math.round(ms / 60000));
    if (minutes < 1) return "just now";
    if (minutes < 90) return minutes + " minutes ago";
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

  // Values under the pointer, for pictures that bring them along.
  function numbers(text) {
    var bytes = Uint8Array.from(atob(text), function (c) { return c.charCodeAt(0); });
    return new Float32Array(bytes.buffer, 0, Math.floor(bytes.length / 4));
  }
  function figures(value) {
    var size = Math.abs(value);
    return size && (size < 1e-3 || size >= 1e6) ? value.toExponential(3) : String(Number(value.toPrecision(5)));
  }
  document.querySelectorAll("figure.read").forEach(function (figure) {
    var image = figure.querySelector("img"), data, clock;
    try {
      data = JSON.parse(figure.querySelector("script").textContent);
      clock = new Intl.DateTimeFormat("en-GB", { timeZone: data.zone, day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
      data.axes.forEach(function (axes) {
        axes.series.forEach(function (one) {
          one.low = numbers(one.low);
          one.high = one.high ? numbers(one.high) : one.low;
        });
      });
    } catch (e) { return; }
    var line = document.createElement("div"), box = document.createElement("div");
    line.className = "line"; box.className = "values";
    line.hidden = box.hidden = true;
    figure.append(line, box);
    function hide() { line.hidden = box.hidden = true; }
    image.addEventListener("pointerleave", hide);
    image.addEventListener("pointermove", function (event) {
      var frame = image.getBoundingClientRect(), scale = frame.width / data.size[0];
      var x = (event.clientX - frame.left) / scale, y = (event.clientY - frame.top) / scale;
      var axes = data.axes.filter(function (one) {
        return x >= one.box[0] && x <= one.box[0] + one.box[2] && y >= one.box[1] && y <= one.box[1] + one.box[3];
      })[0];
      if (!axes) return hide();
      var column = Math.min(data.columns - 1, Math.floor((x - axes.box[0]) / axes.box[2] * data.columns));
      var lines = [clock.format(new Date(data.start + (column + 0.5) * data.step))];
      axes.series.forEach(function (one) {
        var low = one.low[column], high = one.high[column];
        var value = isNaN(low) ? "none" : low === high ? figures(low) : figures(low) + " … " + figures(high);
        lines.push(one.name + "  " + value + (isNaN(low) || !axes.unit ? "" : " " + axes.unit));
      });
      box.textContent = lines.join("\n");
      line.hidden = box.hidden = false;
      line.style.left = (image.offsetLeft + x * scale) + "px";
      line.style.top = (image.offsetTop + axes.box[1] * scale) + "px";
      line.style.height = (axes.box[3] * scale) + "px";
      var left = image.offsetLeft + x * scale + 10;
      box.style.left = Math.max(0, Math.min(left, image.offsetLeft + frame.width - box.offsetWidth)) + "px";
      box.style.top = (image.offsetTop + axes.box[1] * scale + 6) + "px";
    });
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
