// Draws the charts and runs the answer browser. All data comes from
// <script type="application/json"> blocks of this page; nothing is fetched.
(function () {
  "use strict";

  function themed(spec) {
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--ink").trim();
    const soft = style.getPropertyValue("--soft").trim();
    const line = style.getPropertyValue("--line").trim();
    if (spec.columns && window.innerWidth < 760) {
      spec.columns = 1;
      spec.spec.width = Math.max(200, window.innerWidth - 110);
    }
    spec.config = Object.assign({
      background: "transparent",
      font: "system-ui, sans-serif",
      view: { stroke: line },
      axis: { labelColor: soft, titleColor: soft, gridColor: line,
              gridOpacity: 0.6, domainColor: line, tickColor: line,
              labelFontSize: 11, titleFontSize: 12 },
      legend: { labelColor: ink, titleColor: soft, orient: "top",
                labelLimit: 320 },
      header: { labelColor: ink, titleColor: soft },
      title: { color: ink },
      text: { color: ink }
    }, spec.config || {});
    return spec;
  }

  let drawn = 0;
  function draw() {
    const charts = Array.from(document.querySelectorAll("[data-chart]"));
    document.body.dataset.charts = String(charts.length);
    return Promise.all(charts.map(function (host) {
      const source = document.getElementById(host.dataset.chart);
      const spec = themed(JSON.parse(source.textContent));
      return vegaEmbed(host, spec, { renderer: "svg", actions: false })
        .then(function () { drawn += 1; })
        .catch(function (error) {
          host.textContent = "This chart could not be drawn: " + error.message;
          console.error(error);
        });
    })).then(function () { document.body.dataset.drawn = String(drawn); });
  }

  function text(value) { return document.createTextNode(value); }

  function cell(row, value, label) {
    const td = row.insertCell();
    td.appendChild(text(value));
    if (label) {
      const span = document.createElement("span");
      span.className = "label " + label;
      span.appendChild(text(label.replace("_", " ")));
      td.appendChild(text(" "));
      td.appendChild(span);
    }
    return td;
  }

  // A table of answers that stays quick with many thousand rows: filters run
  // over the data, only one page of rows is ever in the document.
  function browser() {
    const source = document.getElementById("answers-data");
    const host = document.getElementById("answers");
    if (!source || !host) { return; }
    const data = JSON.parse(source.textContent);
    const page = 40;
    const fields = ["model", "vector", "operator", "layer", "unit", "scale",
                    "label"];
    const value = function (row, field) {
      if (field === "label") { return data.labels[row[3]]; }
      return String(data.configurations[row[1]][field]);
    };
    const controls = {};
    const filters = document.createElement("div");
    filters.className = "filters";
    let start = 0;
    fields.forEach(function (field) {
      const seen = new Set();
      data.rows.forEach(function (row) { seen.add(value(row, field)); });
      const names = Array.from(seen).sort(function (a, b) {
        const na = Number(a), nb = Number(b);
        return Number.isNaN(na) || Number.isNaN(nb) ? a.localeCompare(b)
                                                    : na - nb;
      });
      const label = document.createElement("label");
      label.appendChild(text(field));
      const select = document.createElement("select");
      select.add(new Option("all", ""));
      names.forEach(function (n) { select.add(new Option(n, n)); });
      if (data.preselect && data.preselect[field] !== undefined &&
          seen.has(String(data.preselect[field]))) {
        select.value = String(data.preselect[field]);
      }
      select.addEventListener("change", function () { start = 0; show(); });
      label.appendChild(select);
      filters.appendChild(label);
      controls[field] = select;
    });
    const label = document.createElement("label");
    label.appendChild(text("text contains"));
    const search = document.createElement("input");
    search.type = "search";
    search.addEventListener("input", function () { start = 0; show(); });
    label.appendChild(search);
    filters.appendChild(label);

    const count = document.createElement("p");
    count.className = "note";
    const scroll = document.createElement("div");
    scroll.className = "scroll";
    const table = document.createElement("table");
    scroll.appendChild(table);
    const previous = document.createElement("button");
    previous.appendChild(text("previous"));
    const next = document.createElement("button");
    next.appendChild(text("next"));
    previous.addEventListener("click", function () {
      start = Math.max(0, start - page); show();
    });
    next.addEventListener("click", function () { start += page; show(); });
    [filters, count, scroll, previous, text(" "), next].forEach(function (e) {
      host.appendChild(e);
    });

    function show() {
      const wanted = search.value.toLowerCase();
      const found = data.rows.filter(function (row) {
        return fields.every(function (field) {
          const want = controls[field].value;
          return want === "" || value(row, field) === want;
        }) && (wanted === "" || row[2].toLowerCase().includes(wanted) ||
               data.questions[row[0]].text.toLowerCase().includes(wanted));
      });
      if (start >= found.length) { start = 0; }
      const shown = found.slice(start, start + page);
      count.textContent = found.length + " answers of " + data.rows.length +
        (found.length ? ", showing " + (start + 1) + " to " +
                        (start + shown.length) : "");
      table.textContent = "";
      const head = table.createTHead().insertRow();
      ["question", "unsteered", "steered", "configuration"].forEach(
        function (n) {
          const th = document.createElement("th");
          th.appendChild(text(n));
          head.appendChild(th);
        });
      const body = table.createTBody();
      shown.forEach(function (row) {
        const line = body.insertRow();
        const c = data.configurations[row[1]];
        const question = data.questions[row[0]];
        const plain = question.plain[c.model];
        cell(line, question.text);
        cell(line, plain ? plain.text : "", plain ? plain.label : "");
        cell(line, row[2], data.labels[row[3]]);
        cell(line, [c.model, c.vector, c.operator, c.unit, "x " + c.scale,
                    "layer " + c.layer].join(", "));
      });
      previous.disabled = start === 0;
      next.disabled = start + page >= found.length;
    }
    show();
  }

  browser();
  draw();
})();
