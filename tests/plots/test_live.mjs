// tests/plots/test_live.mjs PAGE PICTURES TTFT_NS - the sliders of a live report, from a file; TTFT_NS: what the point of
// lru with 64 GB has.
import { join } from "node:path";
import { Browser, Checks } from "../webdriver.mjs";

const [page, pictures, expected] = process.argv.slice(2);
const checks = new Checks();
const browser = await Browser.open();
const figure = (metric) =>
    browser.run("return document.querySelector(`[data-metric='${arguments[0]}'] b`).textContent", metric);
const told = () => browser.run("return document.getElementById('told').textContent");
const set = (key, value) =>
    browser.run(
        "const label = [...document.querySelectorAll('.axis label')].find((item) => item.textContent.endsWith(arguments[0]));" +
            "const control = document.getElementById(label.htmlFor); control.value = arguments[1];" +
            "control.dispatchEvent(new Event(control.tagName === 'SELECT' ? 'change' : 'input', { bubbles: true }));",
        key,
        value
    );
const overflow = () =>
    browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth");

try {
    await browser.size(1280, 900);
    await browser.go(page);
    checks.check("begins with the cheapest", (await told()).includes("policy none"), await told());
    checks.check(
        "which is pinned",
        (await browser.run("return document.querySelectorAll('#figures small').length")) === 0
    );
    await set(
        "policy",
        await browser.run(
            "return [...document.querySelector('.axis select').options].findIndex((option) => option.textContent === 'lru')"
        )
    );
    await set("DRAM capacity", 2);
    checks.check(
        "the sliders choose a point",
        (await told()).includes("policy lru") && (await told()).includes("64.0 GB"),
        await told()
    );
    checks.check(
        "whose numbers are the database's",
        (await figure("ttft_mean_ns")) ===
            (await browser.run("return charts.format(Number(arguments[0]), 'ns')", expected)),
        [await figure("ttft_mean_ns"), expected]
    );
    checks.check(
        "with the difference from the pinned",
        /[+−][0-9.]+ % (better|worse)/.test(
            await browser.run("return document.getElementById('figures').textContent")
        )
    );
    checks.check(
        "and a chart of each axis",
        (await browser.run("return document.querySelectorAll('.slices svg[role=img]').length")) === 2
    );
    await browser.picture(join(pictures, "live-1280.png"));
    await browser.reload();
    checks.check(
        "the link holds it",
        (await told()).includes("policy lru") && (await told()).includes("64.0 GB"),
        await told()
    );
    checks.check("nothing is wider than the screen", (await overflow()) <= 0, await overflow());
    await browser.size(390, 844);
    await browser.reload();
    checks.check("nor than a phone's", (await overflow()) <= 0, await overflow());
    await browser.picture(join(pictures, "live-390.png"));
    const said = await browser.log();
    checks.check("the console is told nothing", said.length === 0, said);
} catch (error) {
    checks.check(error.stack, false);
} finally {
    await browser.close();
}
checks.end();
