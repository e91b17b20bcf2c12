// cli/explore/page/state.js - what the page knows: the program's keys and names, the two configurations, and the
// link that holds them. A configuration is an object of texts by key, as --set takes them; a key that is not in
// it has its default.
"use strict";

// ---- asking the program ----

const api = {
    page: Math.random().toString(36).slice(2), // other tabs' runs are their own
    async get(path) {
        const answer = await fetch(path);
        if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
        return answer.json();
    },
    // more: of fetch()'s options.
    post(path, body, more) {
        return fetch(path, {
            method: "POST",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify({ page: api.page, ...body }),
            ...more,
        });
    },
    async ask(path, body, signal) {
        const answer = await api.post(path, body, { signal });
        return answer.json();
    },
};

// ---- quantities as keys take them ----

const units = (() => {
    const BYTES = {
        "": 1,
        k: 1e3,
        M: 1e6,
        G: 1e9,
        T: 1e12,
        P: 1e15,
        E: 1e18,
        Ki: 2 ** 10,
        Mi: 2 ** 20,
        Gi: 2 ** 30,
        Ti: 2 ** 40,
        Pi: 2 ** 50,
    };
    const TIMES = { "": 1, ns: 1, us: 1e3, ms: 1e6, s: 1e9, min: 60e9, h: 3600e9, d: 86400e9 };
    const COUNT = { "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12 };
    const SUFFIX = { bytes: "B", "bytes/s": "B/s", "1/s": "/s" };

    // The number that a text stands for in the unit's base; NaN: none. Only for placing sliders and drawing:
    // what a text means is the program's to say.
    function read(text, unit) {
        const match = /^\s*([-+]?[0-9.]+(?:e[-+]?[0-9]+)?)\s*(.*?)\s*$/i.exec(text || "");
        if (!match) return NaN;
        let word = match[2];
        const suffix = SUFFIX[unit];
        if (suffix && word.endsWith(suffix)) word = word.slice(0, -suffix.length);
        const table = unit === "ns" ? TIMES : unit === "bytes" || unit === "bytes/s" ? BYTES : COUNT;
        return word in table ? Number(match[1]) * table[word] : NaN;
    }

    function three(value) {
        return String(Number(value.toPrecision(3)));
    }

    // A number in base units as a text that the key takes, three digits of it.
    function write(value, unit) {
        if (unit === "bytes" || unit === "bytes/s") {
            for (const prefix of ["P", "T", "G", "M", "k"])
                if (value >= BYTES[prefix] * 0.9995)
                    return three(value / BYTES[prefix]) + prefix + SUFFIX[unit];
            return three(value) + (value === 0 ? "" : SUFFIX[unit]);
        }
        if (unit === "ns") {
            for (const name of ["d", "h", "min", "s", "ms", "us"])
                if (value >= TIMES[name] * 0.9995) return three(value / TIMES[name]) + name;
            return three(value) + (value === 0 ? "" : "ns");
        }
        return value >= 1e6 ? String(Math.round(Number(value.toPrecision(3)))) : three(value);
    }
    return { read, write };
})();

// ---- the configurations ----

const MAP_METRICS = {
    rented_usd_per_mtok: { name: "$ per million tokens, servers rented", kind: "usd", good: "low" },
    cost_usd_per_mtok: { name: "$ per million tokens, busy hours", kind: "usd", good: "low" },
    ttft_p99_ns: { name: "TTFT, 99th percentile", kind: "ns", good: "low" },
    ttft_mean_ns: { name: "TTFT, mean", kind: "ns", good: "low" },
    hit_rate_tokens: { name: "tokens reused", kind: "share", good: "high" },
};

const state = {
    version: "",
    rows: new Map(),
    names: {},
    metrics: [],
    gantt: {},
    start: {},
    set: { a: {}, b: {} },
    edit: "a",
    compare: false,
    map: "rented_usd_per_mtok",
    left: [], // what the link names and nobody knows

    async begin() {
        const told = await api.get("api/start");
        for (const row of told.keys) this.rows.set(row.key, row);
        Object.assign(this, {
            version: told.version,
            names: told.names,
            metrics: told.metrics,
            gantt: told.gantt,
            start: told.set,
        });
        if (!this.readLink()) this.set.a = { ...this.start };
        this.writeLink();
    },

    // The key's text in a configuration, or its default.
    value(key, side = this.edit) {
        const text = this.set[side][key];
        return text !== undefined ? text : this.rows.get(key).standard;
    },
    isSet(key, side = this.edit) {
        return this.set[side][key] !== undefined;
    },
    // Whether the key is another than the page began with.
    differs(key, side = this.edit) {
        const began = this.start[key];
        return this.value(key, side) !== (began !== undefined ? began : this.rows.get(key).standard);
    },
    // undefined: the default again.
    put(key, text, side = this.edit) {
        if (text === undefined) delete this.set[side][key];
        else this.set[side][key] = text;
    },
    sides() {
        return this.compare ? ["a", "b"] : [this.edit];
    },

    // A configuration's name in caches: its keys in their order.
    key(set) {
        return JSON.stringify(
            Object.keys(set)
                .sort()
                .map((key) => [key, set[key]])
        );
    },

    // "#a.gpus=4&b.policy=lru&show=b&compare=1&map=ttft_p99_ns"
    link() {
        const parts = [];
        for (const side of this.compare ? ["a", "b"] : ["a"]) {
            const set = this.compare ? this.set[side] : this.set[this.edit];
            for (const key of Object.keys(set).sort())
                parts.push(`${side}.${encodeURIComponent(key)}=${encodeURIComponent(set[key])}`);
        }
        if (this.compare) parts.push("compare=1", `show=${this.edit}`);
        if (this.map !== "rented_usd_per_mtok") parts.push(`map=${this.map}`);
        return "#" + (parts.join("&") || "a");
    },
    writeLink() {
        history.replaceState(null, "", this.link());
    },
    // Whether the address holds a state, which is taken. What it names besides is told (left).
    readLink() {
        const parts = location.hash
            .slice(1)
            .split("&")
            .filter((part) => part !== "");
        if (parts.length === 0) return false;
        this.set = { a: {}, b: {} };
        this.left = [];
        this.compare = false;
        this.edit = "a";
        for (const part of parts) {
            const at = part.indexOf("=");
            if (at < 0) continue;
            let name, value;
            try {
                name = decodeURIComponent(part.slice(0, at));
                value = decodeURIComponent(part.slice(at + 1));
            } catch (error) {
                continue; // a link that was cut
            }
            const side = /^([ab])\.(.+)$/.exec(name);
            if (side && this.rows.has(side[2])) this.set[side[1]][side[2]] = value;
            else if (name === "compare") this.compare = value === "1";
            else if (name === "show" && (value === "a" || value === "b")) this.edit = value;
            else if (name === "map" && value in MAP_METRICS) this.map = value;
            else this.left.push(name);
        }
        if (!this.compare) this.edit = "a";
        return true;
    },
};
