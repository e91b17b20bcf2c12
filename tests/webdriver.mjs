// tests/webdriver.mjs - a headless Chromium by chromedriver's WebDriver protocol: as much of it as the
// tests of pages use. Whoever opens one closes it.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

function freePort() {
    return new Promise((resolve) => {
        const server = createServer().listen(0, "127.0.0.1", () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Browser {
    static async open() {
        const browser = new Browser();
        browser.port = await freePort();
        browser.folder = mkdtempSync(join(tmpdir(), "reprise-chromium-"));
        browser.driver = spawn("chromedriver", [`--port=${browser.port}`], { stdio: "ignore" });
        for (let i = 0; ; i++) {
            try {
                await browser.call("GET", "/status");
                break;
            } catch (error) {
                if (i === 500) throw error;
                await sleep(20);
            }
        }
        const session = await browser.call("POST", "/session", {
            capabilities: {
                alwaysMatch: {
                    browserName: "chrome",
                    "goog:loggingPrefs": { browser: "ALL" },
                    "goog:chromeOptions": { args: [...ARGUMENTS, `--user-data-dir=${browser.folder}`] },
                },
            },
        });
        browser.session = `/session/${session.sessionId}`;
        await browser.call("POST", `${browser.session}/timeouts`, { script: 60000 });
        return browser;
    }

    async call(method, path, body) {
        const answer = await fetch(`http://127.0.0.1:${this.port}${path}`, {
            method,
            headers: { "Content-Type": "application/json" },
            body: body === undefined ? undefined : JSON.stringify(body),
        });
        const { value } = await answer.json();
        if (value && value.error) throw new Error(`${path}: ${value.message}`);
        return value;
    }
    devtools(cmd, params) {
        return this.call("POST", `${this.session}/goog/cdp/execute`, { cmd, params });
    }

    // A window of that size; below 600 pixels a phone's.
    size(width, height, dark = false) {
        return this.devtools("Emulation.setDeviceMetricsOverride", {
            width,
            height,
            deviceScaleFactor: 1,
            mobile: width < 600,
        }).then(() =>
            this.devtools("Emulation.setEmulatedMedia", {
                features: [
                    { name: "prefers-color-scheme", value: dark ? "dark" : "light" },
                    { name: "prefers-reduced-motion", value: "reduce" }, // which only costs here
                ],
            })
        );
    }
    go(url) {
        return this.call("POST", `${this.session}/url`, { url });
    }
    reload() {
        return this.call("POST", `${this.session}/refresh`, {});
    }
    // The value of a script's `return`.
    run(script, ...args) {
        return this.call("POST", `${this.session}/execute/sync`, { script, args });
    }
    // Until the script returns something true, which is the value. The page itself looks, every few ms.
    async until(script, what, ms = 20000) {
        const [value, said] = await this.call("POST", `${this.session}/execute/async`, {
            script:
                `const look = () => { ${script} }, [ms, done] = arguments, end = Date.now() + ms;` +
                "(function again() { let value; try { value = look(); } catch (error) { done([null, String(error)]); return; }" +
                "if (value || Date.now() > end) done([value, '']); else setTimeout(again, 8); })();",
            args: [ms],
        });
        if (!value) throw new Error(`waited in vain for ${what}${said ? `: ${said}` : ""}`);
        return value;
    }
    async click(selector) {
        const element = await this.call("POST", `${this.session}/element`, {
            using: "css selector",
            value: selector,
        });
        return this.call("POST", `${this.session}/element/${Object.values(element)[0]}/click`, {});
    }
    // Keys as WebDriver has them: \uE004 is Tab, \uE006 Enter, \uE014 Right.
    async press(...keys) {
        const actions = keys.flatMap((value) => [
            { type: "keyDown", value },
            { type: "keyUp", value },
        ]);
        return this.call("POST", `${this.session}/actions`, {
            actions: [{ type: "key", id: "keyboard", actions }],
        });
    }
    // The whole page.
    async picture(file) {
        const { data } = await this.devtools("Page.captureScreenshot", {
            captureBeyondViewport: true,
            format: "png",
        });
        writeFileSync(file, Buffer.from(data, "base64"));
    }
    // What the console was told since the last look.
    log() {
        return this.call("POST", `${this.session}/se/log`, { type: "browser" });
    }

    async close() {
        if (this.session) await this.call("DELETE", this.session).catch(() => {});
        const ended = new Promise((resolve) => this.driver.once("exit", resolve));
        this.driver.kill();
        await ended;
        rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    }
}

// Counts checks, and ends the process with 1 where one failed.
export class Checks {
    passed = 0;
    failed = 0;
    check(what, holds, found) {
        if (holds) this.passed++;
        else {
            this.failed++;
            console.log(`FAILED: ${what}${found === undefined ? "" : `: ${JSON.stringify(found)}`}`);
        }
    }
    end() {
        console.log(`${this.passed} passed, ${this.failed} failed`);
        process.exitCode = this.failed > 0 ? 1 : 0;
    }
}
