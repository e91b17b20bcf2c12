// plots/page/charts.js - quantities as people read them, and charts as SVG, for pages that draw in the browser:
// `reprise explore` and `reprise report --live`. Plain functions of data; colours come from the page's style
// (--ink, --dim, --grid, --paper, --a, --b, --hbm...), read when drawing, so that a chart is whole by itself
// and can be saved as a picture.
"use strict";

const charts = (() => {
    // ---- quantities ----

    const SCALES = {
        bytes: [
            [1e15, "PB"],
            [1e12, "TB"],
            [1e9, "GB"],
            [1e6, "MB"],
            [1e3, "kB"],
            [1, "B"],
        ],
        "bytes/s": [
            [1e12, "TB/s"],
            [1e9, "GB/s"],
            [1e6, "MB/s"],
            [1e3, "kB/s"],
            [1, "B/s"],
        ],
        ns: [
            [86400e9, "d"],
            [3600e9, "h"],
            [60e9, "min"],
            [1e9, "s"],
            [1e6, "ms"],
            [1e3, "µs"],
            [1, "ns"],
        ],
        count: [
            [1e9, "G"],
            [1e6, "M"],
            [1e3, "k"],
            [1, ""],
        ],
    };

    function digits(value) {
        if (value === 0) return "0";
        const size = Math.abs(value);
        if (size >= 100) return value.toFixed(0);
        return String(Number(value.toPrecision(size >= 1 ? 3 : 2)));
    }

    // "1.25 TB": three digits and the fitting prefix. kind: a row of SCALES, "share", "usd" or "number".
    function format(value, kind) {
        if (value === null || value === undefined || Number.isNaN(value)) return "–";
        if (value === 0 && kind !== "share" && kind !== "usd") return "0";
        if (kind === "share") return `${digits(100 * value)} %`;
        if (kind === "usd") return `$${value < 10 ? value.toFixed(3) : value.toFixed(2)}`;
        const scale = SCALES[kind];
        if (!scale) return digits(value);
        const size = Math.abs(value);
        const [factor, unit] = scale.find(([least]) => size >= least * 0.9995) || scale[scale.length - 1];
        return `${digits(value / factor)}${unit === "" || kind === "count" ? "" : " "}${unit}`;
    }

    // ---- elements ----

    function svg(name, attributes, ...children) {
        const element = document.createElementNS("http://www.w3.org/2000/svg", name);
        for (const [key, value] of Object.entries(attributes || {}))
            if (value !== undefined && value !== null) element.setAttribute(key, value);
        for (const child of children) if (child !== null && child !== undefined) element.append(child);
        return element;
    }

    // Read once while a script runs: each look at a style lays the page out anew.
    let colours = null;

    function colour(name) {
        if (!colours) {
            colours = new Map();
            queueMicrotask(() => (colours = null));
        }
        if (!colours.has(name))
            colours.set(
                name,
                getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim() || "#888"
            );
        return colours.get(name);
    }

    const FONT = "system-ui, 'DejaVu Sans', Verdana, sans-serif";

    function text(x, y, words, attributes) {
        return svg(
            "text",
            { x, y, fill: colour("dim"), "font-size": 12, "font-family": FONT, ...attributes },
            words
        );
    }

    const widths = new WeakMap();

    // Looks how wide places are before any is drawn in: each look after a change lays the page out anew.
    function measure(places) {
        for (const place of places) widths.set(place, place.clientWidth);
    }

    // An empty picture as wide as its place, with words for those who cannot see it.
    function canvas(place, height, label) {
        const wide = widths.get(place) ?? place.clientWidth;
        const width = Math.max(240, Math.floor(wide) || 480);
        widths.delete(place);
        const picture = svg("svg", {
            width,
            height,
            viewBox: `0 0 ${width} ${height}`,
            role: "img",
            "aria-label": label,
            xmlns: "http://www.w3.org/2000/svg",
        });
        place.replaceChildren(picture);
        return { picture, width, height };
    }

    // ---- axes ----

    function niceStep(span, count) {
        const raw = span / Math.max(1, count);
        const power = 10 ** Math.floor(Math.log10(raw));
        const step = [1, 2, 2.5, 5, 10].find((s) => s * power >= raw * 0.999);
        return step * power;
    }

    // Steps that a clock has, in ns.
    const CLOCK = [
        1e9, 2e9, 5e9, 10e9, 30e9, 60e9, 120e9, 300e9, 600e9, 1800e9, 3600e9, 7200e9, 14400e9, 21600e9,
        43200e9, 86400e9, 172800e9, 604800e9,
    ];

    function linearTicks(from, to, count, kind) {
        const raw = (to - from) / Math.max(1, count);
        const step =
            kind === "ns" && raw > 1e9
                ? CLOCK.find((s) => s >= raw) || niceStep(to - from, count)
                : niceStep(to - from, count);
        const ticks = [];
        for (let i = Math.ceil(from / step - 1e-9); i * step <= to * (1 + 1e-9); i++) ticks.push(i * step);
        return ticks;
    }

    // 100 ms, 1 s, 10 s, then as clocks have it.
    const LOG_CLOCK = [60e9, 600e9, 3600e9, 36000e9, 86400e9, 864000e9];

    function logTicks(from, to, count, kind) {
        if (kind === "ns" && to > 20e9) {
            const below = Array.from({ length: 11 }, (_, e) => 10 ** e);
            const ticks = [...below, ...LOG_CLOCK].filter((t) => t >= from * 0.999 && t <= to * 1.001);
            const skip = Math.ceil(ticks.length / Math.max(1, count));
            return ticks.filter((_, i) => i % skip === 0);
        }
        const first = Math.floor(Math.log10(from)),
            last = Math.ceil(Math.log10(to));
        const within = (t) => t >= from * 0.999 && t <= to * 1.001;
        for (const parts of [[1, 2, 5], [1, 3], [1]]) {
            const ticks = [];
            for (let e = first; e <= last; e++)
                for (const part of parts) if (within(part * 10 ** e)) ticks.push(part * 10 ** e);
            if (ticks.length <= count || parts.length === 1) {
                const skip = Math.ceil(ticks.length / Math.max(1, count));
                return ticks.filter((_, i) => i % skip === 0);
            }
        }
        return [];
    }

    // {at(value): pixel, ticks, kind} of an axis {from, to, log, kind} over pixels.
    function scale(axis, start, end, count) {
        const log = axis.log && axis.from > 0;
        const f = log ? Math.log : (v) => v;
        const low = f(axis.from),
            span = f(axis.to) - low || 1;
        return {
            at: (value) =>
                start +
                (end - start) *
                    Math.min(1, Math.max(0, (f(Math.max(value, log ? axis.from : -Infinity)) - low) / span)),
            ticks: log
                ? logTicks(axis.from, axis.to, count, axis.kind)
                : linearTicks(axis.from, axis.to, count, axis.kind),
            kind: axis.kind,
        };
    }

    // The frame of a plot: grid, ticks, names. Returns where values lie.
    function frame(place, height, label, xAxis, yAxis) {
        const { picture, width } = canvas(place, height, label);
        const left = 56,
            right = width - 14,
            top = 12,
            bottom = height - 40;
        const x = scale(xAxis, left, right, Math.floor((right - left) / 76));
        const y = scale(yAxis, bottom, top, 5);
        for (const tick of y.ticks) {
            picture.append(
                svg("line", { x1: left, x2: right, y1: y.at(tick), y2: y.at(tick), stroke: colour("grid") })
            );
            picture.append(text(left - 6, y.at(tick) + 4, format(tick, y.kind), { "text-anchor": "end" }));
        }
        for (const tick of x.ticks) {
            picture.append(
                svg("line", { x1: x.at(tick), x2: x.at(tick), y1: top, y2: bottom, stroke: colour("grid") })
            );
            picture.append(text(x.at(tick), bottom + 16, format(tick, x.kind), { "text-anchor": "middle" }));
        }
        picture.append(text((left + right) / 2, height - 6, xAxis.name, { "text-anchor": "middle" }));
        return { picture, x, y, left, right, top, bottom };
    }

    // Words in a row of swatches above a chart: [{name, colour, line, dash}], or two colours.
    function legend(place, entries) {
        const list = document.createElement("ul");
        list.className = "legend";
        for (const entry of entries) {
            const item = document.createElement("li");
            const swatch = svg(
                "svg",
                { width: 22, height: 12, "aria-hidden": "true" },
                entry.line
                    ? svg("line", {
                          x1: 0,
                          x2: 22,
                          y1: 6,
                          y2: 6,
                          stroke: entry.colour,
                          "stroke-width": 2.5,
                          "stroke-dasharray": entry.dash,
                      })
                    : svg("rect", {
                          x: 4,
                          width: 14,
                          height: 12,
                          fill: (entry.colours || [entry.colour])[0],
                          opacity: entry.opacity,
                      }),
                entry.colours ? svg("rect", { x: 11, width: 7, height: 12, fill: entry.colours[1] }) : null
            );
            item.append(swatch, entry.name);
            list.append(item);
        }
        place.append(list);
    }

    // ---- charts ----

    // Curves: series [{name, colour, dash, x, y}]; axes {name, kind, log}, with from and to where they are fixed.
    function lines(place, options) {
        const xs = options.series.flatMap((s) => s.x).filter((v) => !options.x.log || v > 0);
        const ys = options.series.flatMap((s) => s.y);
        const xAxis = { from: Math.min(...xs), to: Math.max(...xs), ...options.x };
        const yAxis = { from: 0, to: Math.max(...ys, 1e-9), ...options.y };
        if (!(xAxis.to > xAxis.from)) {
            // one value alone
            xAxis.to = xAxis.from + (Math.abs(xAxis.from) || 1);
            if (!xAxis.log) xAxis.from = Math.min(0, xAxis.from);
        }
        const at = frame(place, options.height || 260, options.label, xAxis, yAxis);
        for (const s of options.series) {
            const points = s.x.map((v, i) => `${at.x.at(v).toFixed(1)},${at.y.at(s.y[i]).toFixed(1)}`);
            at.picture.append(
                svg("polyline", {
                    points: points.join(" "),
                    fill: "none",
                    stroke: s.colour,
                    "stroke-width": 2.25,
                    "stroke-dasharray": s.dash,
                    "stroke-linejoin": "round",
                })
            );
            if (s.marks)
                s.x.forEach((v, i) =>
                    at.picture.append(
                        svg("circle", { cx: at.x.at(v), cy: at.y.at(s.y[i]), r: 3.5, fill: s.colour })
                    )
                );
        }
        if (options.mark) {
            const cx = at.x.at(options.mark.x),
                cy = at.y.at(options.mark.y);
            at.picture.append(
                svg("circle", { cx, cy, r: 6, fill: "none", stroke: colour("ink"), "stroke-width": 2.5 })
            );
        }
        return at.picture;
    }

    // Areas on each other, as shares of their sum: layers [{name, colour, y}], all over x.
    function shares(place, options) {
        const sums = options.x.map((_, i) => options.layers.reduce((sum, layer) => sum + layer.y[i], 0));
        const step = options.x.length > 1 ? options.x[1] - options.x[0] : 1;
        const end = options.x[options.x.length - 1] + step;
        const at = frame(
            place,
            options.height || 240,
            options.label,
            { from: options.x[0] || 0, to: end, kind: "ns", name: options.xName },
            { from: 0, to: 1, kind: "share" }
        );
        const below = options.x.map(() => 0);
        for (const layer of options.layers) {
            const up = [],
                down = [];
            options.x.forEach((x, i) => {
                const from = below[i],
                    share = sums[i] > 0 ? layer.y[i] / sums[i] : 0;
                const x0 = at.x.at(x).toFixed(1),
                    x1 = at.x.at(x + step).toFixed(1);
                up.push(
                    `${x0},${at.y.at(from + share).toFixed(1)}`,
                    `${x1},${at.y.at(from + share).toFixed(1)}`
                );
                down.unshift(`${x1},${at.y.at(from).toFixed(1)}`, `${x0},${at.y.at(from).toFixed(1)}`);
                below[i] = from + share;
            });
            if (layer.y.some((v) => v > 0))
                at.picture.append(svg("polygon", { points: [...up, ...down].join(" "), fill: layer.colour }));
        }
        return at.picture;
    }

    // Bars that lie, in groups: rows [{name, values}], a value a series [{name, colour}].
    function bars(place, options) {
        const most = Math.max(...options.rows.flatMap((row) => row.values), 0) || 1;
        const thick = options.series.length > 1 ? 11 : 15,
            gap = 24 + options.series.length * (thick + 2);
        const { picture, width } = canvas(place, options.rows.length * gap + 8, options.label);
        const right = width - 84;
        options.rows.forEach((row, r) => {
            const top = r * gap + 4;
            picture.append(text(0, top + 12, row.name, { fill: colour("ink") }));
            row.values.forEach((value, s) => {
                const y = top + 18 + s * (thick + 2),
                    long = Math.max(value > 0 ? 1.5 : 0, (value / most) * right);
                picture.append(
                    svg("rect", { x: 0, y, width: long, height: thick, fill: options.series[s].colour })
                );
                picture.append(text(long + 6, y + thick - 2, format(value, options.kind)));
            });
        });
        return picture;
    }

    function mix(from, to, share) {
        const part = (hex, i) => parseInt(hex.slice(1 + 2 * i, 3 + 2 * i), 16);
        return (
            "#" +
            [0, 1, 2]
                .map((i) =>
                    Math.round(part(from, i) + (part(to, i) - part(from, i)) * share)
                        .toString(16)
                        .padStart(2, "0")
                )
                .join("")
        );
    }

    // Black or white, whichever is read better on the colour.
    function over(hex) {
        const [r, g, b] = [1, 3, 5].map((i) => {
            const v = parseInt(hex.slice(i, i + 2), 16) / 255;
            return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.2 ? "#10151c" : "#ffffff";
    }

    // A map of cells, value(column, row): number, or null while it is not known, NaN where there is none.
    // columns, rows: names; good: "low" or "high"; chosen: [column, row]; choose(column, row): makes cells buttons.
    function heat(place, options) {
        const height = 44 + 38 * options.rows.length;
        const { picture, width } = canvas(place, height, options.label);
        if (options.choose) picture.setAttribute("role", "group"); // a picture's children are not told of
        const left = 66,
            cell = (width - left - 4) / options.columns.length;
        const values = options.rows
            .flatMap((_, r) => options.columns.map((__, c) => options.value(c, r)))
            .filter((v) => v !== null && !Number.isNaN(v));
        const low = Math.min(...values),
            high = Math.max(...values);
        const shade = (v) => {
            let share = high > low ? (v - low) / (high - low) : 0;
            if (options.good === "high") share = 1 - share;
            return mix(colour("heat-good"), colour("heat-bad"), share);
        };
        const cells = [];
        const cellOf = (c, r) => cells[r * options.columns.length + c];
        options.columns.forEach((name, c) =>
            picture.append(text(left + (c + 0.5) * cell, height - 27, name, { "text-anchor": "middle" }))
        );
        options.rows.forEach((rowName, r) => {
            picture.append(text(left - 6, 38 * r + 24, rowName, { "text-anchor": "end" }));
            options.columns.forEach((name, c) => {
                const value = options.value(c, r),
                    known = value !== null && !Number.isNaN(value);
                const words = value === null ? "…" : format(value, options.kind);
                const whole = `${options.columnName} ${name}, ${options.rowName} ${rowName}: ${words}`;
                const fill = known ? shade(value) : colour("grid");
                const chosen = options.chosen && options.chosen[0] === c && options.chosen[1] === r;
                const group = svg(
                    "g",
                    { class: "cell" },
                    svg("title", {}, whole),
                    svg("rect", {
                        x: left + c * cell + 1,
                        y: 38 * r + 1,
                        width: cell - 2,
                        height: 36,
                        fill,
                        stroke: chosen ? colour("ink") : "none",
                        "stroke-width": 3,
                    }),
                    text(left + (c + 0.5) * cell, 38 * r + 24, words, {
                        "text-anchor": "middle",
                        fill: known ? over(fill) : colour("dim"),
                        "font-size": cell < 62 ? 10.5 : 12,
                        "font-weight": chosen ? 700 : 400,
                    })
                );
                if (options.choose) {
                    group.setAttribute("role", "button");
                    group.setAttribute("aria-label", whole);
                    group.addEventListener("click", () => options.choose(c, r));
                    group.addEventListener("keydown", (event) => {
                        const step = {
                            ArrowLeft: [-1, 0],
                            ArrowRight: [1, 0],
                            ArrowUp: [0, -1],
                            ArrowDown: [0, 1],
                        }[event.key];
                        if (event.key !== "Enter" && event.key !== " " && !step) return;
                        event.preventDefault();
                        if (!step) options.choose(c, r);
                        else if (
                            c + step[0] >= 0 &&
                            c + step[0] < options.columns.length &&
                            cellOf(c + step[0], r + step[1])
                        )
                            cellOf(c + step[0], r + step[1]).focus();
                    });
                }
                cells.push(group);
                picture.append(group);
            });
        });
        if (options.choose) {
            // one stop of Tab; arrows move on
            for (const each of cells) each.setAttribute("tabindex", "-1");
            (options.chosen ? cellOf(...options.chosen) : cells[0]).setAttribute("tabindex", "0");
        }
        picture.append(
            text(left + (width - left) / 2, height - 8, options.columnName, { "text-anchor": "middle" })
        );
        return picture;
    }

    // Blocks' kinds, as plots/gantt_blocks.h numbers them.
    const GANTT = { layer: 0, wait: 1, other: 2, run: 3 };

    // A turn's prefill in three lanes. turn: {blocks: [[lane, kind, begin_ms, end_ms, layer]], first_token_ms, before};
    // range: {least_ms, most_ms}; look: {lanes: [{name, dark, light}], waits, other}; faint: other work's opacity. Layers without a gap are one light
    // block, those with odd numbers dark ones on it.
    function gantt(place, options) {
        const { turn, range, look } = options;
        const row = 40,
            top = 26,
            bottom = top + row * look.lanes.length;
        const { picture, width } = canvas(place, bottom + 42, options.label);
        const left = 68,
            right = width - 14;
        const x = scale(
            { from: range.least_ms * 1e6, to: range.most_ms * 1e6, kind: "ns" },
            left,
            right,
            Math.floor((right - left) / 76)
        );
        const at = (ms) => x.at(ms * 1e6);
        for (const tick of x.ticks) {
            const tickX = x.at(tick);
            picture.append(
                svg("line", { x1: tickX, x2: tickX, y1: top, y2: bottom, stroke: colour("grid") })
            );
            picture.append(text(tickX, bottom + 16, format(tick, "ns"), { "text-anchor": "middle" }));
        }
        look.lanes.forEach((lane, i) =>
            picture.append(
                text(left - 6, top + (i + 0.5) * row + 4, lane.name, {
                    "text-anchor": "end",
                    fill: colour("ink"),
                })
            )
        );
        const bar = ([lane, , begin, end], fill, opacity) =>
            picture.append(
                svg("rect", {
                    x: at(begin).toFixed(2),
                    y: top + lane * row + 5,
                    width: Math.max(0.3, at(end) - at(begin)).toFixed(2),
                    height: row - 10,
                    fill,
                    opacity,
                })
            );
        const of = (kind) => turn.blocks.filter((block) => block[1] === kind);
        for (const block of of(GANTT.run)) bar(block, look.lanes[block[0]].light);
        for (const block of of(GANTT.layer)) if (block[4] % 2) bar(block, look.lanes[block[0]].dark);
        for (const block of of(GANTT.wait)) bar(block, look.waits);
        for (const block of of(GANTT.other)) bar(block, look.other, options.faint);
        for (const [lane, , begin, end, layer] of of(GANTT.layer)) {
            if (layer % 5 !== 0 || at(end) - at(begin) < 16) continue;
            picture.append(
                text((at(begin) + at(end)) / 2, top + (lane + 0.5) * row + 4, layer, {
                    "text-anchor": "middle",
                    "font-size": 10,
                    fill: layer % 2 ? "#ffffff" : "#10151c",
                })
            );
        }
        const done = at(turn.first_token_ms);
        picture.append(
            svg("line", {
                x1: done,
                x2: done,
                y1: top - 4,
                y2: bottom,
                stroke: colour("ink"),
                "stroke-width": 1.2,
                "stroke-dasharray": "5 4",
            })
        );
        picture.append(
            text(done, top - 9, "first token", { "text-anchor": done > (left + right) / 2 ? "end" : "start" })
        );
        if (turn.before) picture.append(text(left, top - 9, turn.before));
        picture.append(
            text((left + right) / 2, bottom + 36, "time since the prefill began", {
                "text-anchor": "middle",
            })
        );
        return picture;
    }

    // ---- a picture to keep ----

    function load(picture) {
        return new Promise((resolve, reject) => {
            const image = new Image();
            image.onload = () => resolve(image);
            image.onerror = () => reject(new Error("the chart cannot be drawn"));
            image.src =
                "data:image/svg+xml;charset=utf-8," +
                encodeURIComponent(new XMLSerializer().serializeToString(picture));
        });
    }

    // Words in lines that are no wider than that.
    function broken(pen, words, width) {
        const lines = [""];
        for (const word of words.split(" ")) {
            const longer = `${lines[lines.length - 1]} ${word}`.trim();
            if (pen.measureText(longer).width <= width) lines[lines.length - 1] = longer;
            else lines.push(word);
        }
        return lines;
    }

    // A legend's entries, as legend() takes them, in one row.
    function paintLegend(pen, entries, y) {
        let x = 16;
        pen.font = `12px ${FONT}`;
        for (const entry of entries) {
            (entry.colours || [entry.colour]).forEach((fill, i) => {
                pen.fillStyle = fill;
                pen.globalAlpha = entry.opacity ?? 1;
                if (entry.dash)
                    for (const at of [0, 11]) pen.fillRect(x + at, y + 5, 7, 2.5); // as lines draw it
                else if (entry.line) pen.fillRect(x, y + 5, 18, 2.5);
                else pen.fillRect(x + 9 * i, y, 18 - 9 * i, 12);
            });
            pen.globalAlpha = 1;
            pen.fillStyle = colour("dim");
            pen.fillText(entry.name, x + 24, y + 10);
            x += pen.measureText(entry.name).width + 44;
        }
    }

    const TITLE_FONT = `600 15px ${FONT}`;

    // All charts of [{title, legend, picture}] below each other as a PNG; twice the pixels, for print.
    async function png(list) {
        const width = Math.max(...list.map((item) => item.picture.viewBox.baseVal.width), 560) + 32;
        const ruler = document.createElement("canvas").getContext("2d");
        ruler.font = TITLE_FONT;
        const titles = list.map((item) => broken(ruler, item.title, width - 32));
        const over = (i) => 8 + 20 * titles[i].length + (list[i].legend ? 20 : 0);
        const height = list.reduce(
            (sum, item, i) => sum + item.picture.viewBox.baseVal.height + over(i) + 18,
            16
        );
        const board = document.createElement("canvas");
        board.width = 2 * width;
        board.height = 2 * height;
        const pen = board.getContext("2d");
        pen.scale(2, 2);
        pen.fillStyle = colour("paper");
        pen.fillRect(0, 0, width, height);
        let y = 16;
        for (const [i, item] of list.entries()) {
            pen.fillStyle = colour("ink");
            pen.font = TITLE_FONT;
            titles[i].forEach((line, n) => pen.fillText(line, 16, y + 14 + 20 * n));
            if (item.legend) paintLegend(pen, item.legend, y + 20 * titles[i].length + 4);
            pen.drawImage(await load(item.picture), 16, y + over(i));
            y += item.picture.viewBox.baseVal.height + over(i) + 18;
        }
        return new Promise((resolve) => board.toBlob(resolve, "image/png"));
    }

    return { format, colour, measure, legend, lines, shares, bars, heat, gantt, png };
})();
