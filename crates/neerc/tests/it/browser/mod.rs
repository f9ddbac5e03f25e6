//! Real browsers: Debian's Chromium without a window, driven through `chromedriver` as people use it, and asked over its
//! debugging protocol for what people cannot do. Each test has browsers of its own, which reach nothing but loopback.
//!
//! What a page does wrong is an error of the test that shows it: whatever it writes to the console, blocks by its own
//! policy (CSP) or asks in a dialog is found by [`Browser::check`], which also runs when a browser is dropped.
#![allow(dead_code)] // a toolbox: not every tool is in use at any one time

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use ureq::Agent;

use crate::guard::{self, Port, Process};
use crate::servers::home;
use crate::wait::poll_for;

mod bed;
mod board;
mod doors;
mod pictures;
mod proxy;
mod stage;

/// How long anything in a browser may take; it needs seconds to start where nothing else runs.
const SIGHT: Duration = Duration::from_secs(60);

/// A name of this machine that browsers take for that of another one: without TLS they trust what it sends less than what
/// comes from their own.
pub const PLAIN: &str = "board.test";

const CHROMIUM: &str = "/usr/bin/chromium";
const CHROMEDRIVER: &str = "/usr/bin/chromedriver";

/// The key under which the protocol names elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The Enter and the Tab key, as the protocol writes them.
pub const ENTER: &str = "\u{e007}";
pub const TAB: &str = "\u{e004}";

/// What makes browsers; each is a process of its own.
pub struct Driver {
    url: String,
    agent: Agent,
    process: RefCell<Process>,
    log: PathBuf,
    _port: Port,
}

/// What a browser is like.
#[derive(Clone, Copy)]
pub struct Look {
    /// Width and height of the page, in CSS pixels.
    pub size: (u32, u32),
    /// The language of whoever uses it.
    pub language: &'static str,
}

impl Look {
    /// A laptop.
    pub const LAPTOP: Look = Look { size: (1280, 800), language: "en" };
    /// A phone.
    pub const PHONE: Look = Look { size: (360, 740), language: "en" };
}

impl Driver {
    /// Starts it; `None` if `scripts/setup test` could not install what it needs, which is said.
    #[track_caller]
    pub fn start() -> Option<Driver> {
        if ![CHROMIUM, CHROMEDRIVER].iter().all(|program| Path::new(program).exists()) {
            eprintln!("********** SKIPPED: no Chromium or chromedriver here; `scripts/setup test` says why **********");
            return None;
        }
        // Somebody else may have the port at just that moment.
        let (port, process, log) = (0..5).find_map(|_| Driver::spawn()).expect("chromedriver starts");
        let agent =
            Agent::config_builder().http_status_as_error(false).timeout_global(Some(2 * SIGHT)).build().new_agent();
        let url = format!("http://127.0.0.1:{}", port.number);
        Some(Driver { url, agent, process: RefCell::new(process), log, _port: port })
    }

    /// Starts it on a port of its own; `None` if it ends again.
    #[track_caller]
    fn spawn() -> Option<(Port, Process, PathBuf)> {
        let (dir, port) = (guard::scratch_dir("browser"), Port::reserve());
        let log = dir.join("chromedriver.log");
        let mut command = Command::new(CHROMEDRIVER);
        command.arg(format!("--port={}", port.number)).env("HOME", &dir).env("TMPDIR", &dir).current_dir(&dir);
        let mut process = Process::spawn_logged("chromedriver", &mut command, &log);
        let started = poll_for(SIGHT, || {
            let is_ready = fs::read_to_string(&log).unwrap_or_default().contains("was started successfully");
            (is_ready || process.exited().is_some()).then_some(is_ready)
        });
        let is_ready = started.unwrap_or_else(|| panic!("chromedriver is not ready\n{}", guard::log_tail(&log)));
        is_ready.then_some((port, process, log))
    }

    /// Sends a request; what it answers, or the name of the error and its message.
    fn try_call(&self, method: &str, path: &str, body: &Value) -> Result<Value, (String, String)> {
        let url = format!("{}{path}", self.url);
        let answer = match method {
            "GET" => self.agent.get(url).call(),
            "DELETE" => self.agent.delete(url).call(),
            _ => {
                let body = serde_json::to_vec(body).unwrap();
                self.agent.post(url).header("Content-Type", "application/json").send(&body[..])
            }
        };
        let read = answer.and_then(|mut answer| {
            let bytes = answer.body_mut().with_config().limit(64 << 20).read_to_vec()?;
            Ok((answer.status(), bytes))
        });
        let (status, bytes) = read.unwrap_or_else(|error| {
            let ended = self.process.borrow_mut().exited();
            panic!("{method} {path}: {error} (ended: {ended:?})\n{}", guard::log_tail(&self.log))
        });
        let mut said: Value = serde_json::from_slice(&bytes).unwrap();
        let value = said["value"].take();
        if status.is_success() {
            return Ok(value);
        }
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Err((text("error"), text("message")))
    }

    /// Opens a browser with a profile of its own.
    #[track_caller]
    pub fn browser(&self, look: Look) -> Browser<'_> {
        let profile = guard::scratch_dir("profile");
        let (width, height) = look.size;
        let arguments = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            // It ends with chromedriver, however that ends.
            "--remote-debugging-pipe".to_owned(),
            format!("--user-data-dir={}", profile.display()),
            format!("--window-size={width},{height}"),
            format!("--lang={}", look.language),
            format!(
                "--host-resolver-rules=MAP {PLAIN} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
            ),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-gpu".to_owned(),
            "--force-device-scale-factor=1".to_owned(),
            "--hide-scrollbars".to_owned(),
            "--no-first-run".to_owned(),
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "unhandledPromptBehavior": "ignore",
            "timeouts": {"script": 60_000, "pageLoad": 60_000},
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {
                "binary": CHROMIUM,
                "args": arguments,
                "prefs": {"intl.accept_languages": look.language},
            },
        }}});
        let made = self.try_call("POST", "/session", &wanted);
        let made = made.unwrap_or_else(|why| panic!("no browser: {why:?}\n{}", guard::log_tail(&self.log)));
        let session = made["sessionId"].as_str().unwrap().to_owned();
        let browser = Browser { driver: self, session, allowed: RefCell::default(), met: RefCell::default() };
        browser.size(width, height);
        browser
    }
}

/// A browser with its tabs; closed on drop.
pub struct Browser<'d> {
    driver: &'d Driver,
    session: String,
    /// What of a console's lines may be there.
    allowed: RefCell<Vec<&'static str>>,
    /// What else there was.
    met: RefCell<Vec<String>>,
}

impl Browser<'_> {
    fn try_call(&self, method: &str, path: &str, body: &Value) -> Result<Value, (String, String)> {
        self.driver.try_call(method, &format!("/session/{}{path}", self.session), body)
    }

    #[track_caller]
    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        self.try_call(method, path, body)
            .unwrap_or_else(|(error, why)| panic!("{method} {path} {body}: {error}: {why}"))
    }

    /// A command of the debugging protocol.
    #[track_caller]
    pub fn debug(&self, command: &str, parameters: Value) -> Value {
        self.call("POST", "/goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    /// Opens an address and waits until its page is loaded.
    #[track_caller]
    pub fn open(&self, url: &str) {
        self.call("POST", "/url", &json!({ "url": url }));
    }

    /// The address of the page.
    #[track_caller]
    pub fn url(&self) -> String {
        self.call("GET", "/url", &Value::Null).as_str().unwrap().to_owned()
    }

    /// What the body of a function of JavaScript returns; `arguments` holds what it is given.
    #[track_caller]
    pub fn run(&self, script: &str, arguments: Value) -> Value {
        self.call("POST", "/execute/sync", &json!({"script": script, "args": arguments}))
    }

    /// The same where the last argument is to be called with what is returned.
    #[track_caller]
    pub fn run_until_called(&self, script: &str, arguments: Value) -> Value {
        self.call("POST", "/execute/async", &json!({"script": script, "args": arguments}))
    }

    /// Asks until the answer is as it should be.
    #[track_caller]
    pub fn until(&self, script: &str, arguments: Value, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let found = poll_for(SIGHT, || {
            // While one page gives way to the next there may be nobody to ask.
            let body = json!({"script": script, "args": arguments});
            last = self.try_call("POST", "/execute/sync", &body).unwrap_or_else(|why| json!([why.0, why.1]));
            wanted(&last).then(|| last.clone())
        });
        found.unwrap_or_else(|| self.fail(&format!("{script} with {arguments}, which gives {last}")))
    }

    /// Waits until the page shows a text.
    #[track_caller]
    pub fn sees(&self, text: &str) {
        self.until("return document.body ? document.body.innerText : ''", json!([]), |seen| is_in(seen, text));
    }

    /// Waits until what a selector finds first shows a text.
    #[track_caller]
    pub fn sees_in(&self, selector: &str, text: &str) {
        let script = "const e = document.querySelector(arguments[0]); return e ? e.innerText : null";
        self.until(script, json!([selector]), |seen| is_in(seen, text));
    }

    /// Waits until a selector finds so many elements.
    #[track_caller]
    pub fn sees_count(&self, selector: &str, count: usize) {
        self.until("return document.querySelectorAll(arguments[0]).length", json!([selector]), |seen| {
            *seen == json!(count)
        });
    }

    /// The first element that a selector finds, as soon as it does.
    #[track_caller]
    fn element(&self, selector: &str) -> String {
        let body = json!({"using": "css selector", "value": selector});
        let found = poll_for(SIGHT, || self.try_call("POST", "/element", &body).ok());
        let found = found.unwrap_or_else(|| self.fail(&format!("nothing is {selector}")));
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    /// Clicks on what a selector finds first, as a mouse does: what is covered cannot be clicked on.
    #[track_caller]
    pub fn clicks(&self, selector: &str) {
        self.acts(selector, "click", &json!({}));
    }

    /// Types into what a selector finds first.
    #[track_caller]
    pub fn types(&self, selector: &str, text: &str) {
        self.acts(selector, "value", &json!({ "text": text }));
    }

    /// Presses a key, wherever the focus is.
    #[track_caller]
    pub fn presses(&self, key: &str) {
        let keys = json!([{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]);
        self.call("POST", "/actions", &json!({"actions": [{"type": "key", "id": "keys", "actions": keys}]}));
    }

    /// Does it as soon as it can be done: the element may be replaced between being found and being used.
    #[track_caller]
    fn acts(&self, selector: &str, action: &str, body: &Value) {
        let mut why = (String::new(), String::new());
        let done = poll_for(SIGHT, || {
            let element = self.element(selector);
            self.try_call("POST", &format!("/element/{element}/{action}"), body).map_err(|error| why = error).ok()
        });
        done.unwrap_or_else(|| self.fail(&format!("{action} on {selector}: {why:?}")));
    }

    /// Makes the page so wide and high, in CSS pixels, as a phone or a projector does.
    #[track_caller]
    pub fn size(&self, width: u32, height: u32) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.debug("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// What the machine prefers: `prefers-color-scheme` is `dark`, `forced-colors` is `active`.
    #[track_caller]
    pub fn prefers(&self, feature: &str, value: &str) {
        let features = json!([{"name": feature, "value": value}]);
        self.debug("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// Whether something has to be scrolled sideways.
    #[track_caller]
    pub fn is_too_wide(&self) -> bool {
        let root = "const r = document.documentElement; return r.scrollWidth > r.clientWidth";
        self.run(root, json!([])) == json!(true)
    }

    /// A picture of what is seen, or of the whole page, as a PNG.
    #[track_caller]
    pub fn picture(&self, whole: bool) -> Vec<u8> {
        let wanted = json!({"format": "png", "captureBeyondViewport": whole});
        let taken = self.debug("Page.captureScreenshot", wanted);
        BASE64_STANDARD.decode(taken["data"].as_str().unwrap()).unwrap()
    }

    /// The tab that is in front.
    #[track_caller]
    pub fn tab(&self) -> String {
        self.call("GET", "/window", &Value::Null).as_str().unwrap().to_owned()
    }

    /// Opens another tab and goes to it.
    #[track_caller]
    pub fn new_tab(&self) -> String {
        let made = self.call("POST", "/window/new", &json!({"type": "tab"}));
        let tab = made["handle"].as_str().unwrap().to_owned();
        self.go_to(&tab);
        tab
    }

    /// Goes to a tab.
    #[track_caller]
    pub fn go_to(&self, tab: &str) {
        self.call("POST", "/window", &json!({ "handle": tab }));
    }

    /// Closes the tab that is in front; another one has to be gone to.
    #[track_caller]
    pub fn close_tab(&self) {
        self.call("DELETE", "/window", &Value::Null);
    }

    /// Lines with this text may stand in the console: a server that is not there is said by the browser itself.
    pub fn may_say(&self, text: &'static str) {
        self.allowed.borrow_mut().push(text);
    }

    /// Collects what the console says; what is open is a dialog.
    fn listen(&self) {
        if let Ok(text) = self.try_call("GET", "/alert/text", &Value::Null) {
            self.met.borrow_mut().push(format!("a dialog: {text}"));
        }
        let said = self.try_call("POST", "/se/log", &json!({"type": "browser"})).unwrap_or_default();
        for line in said.as_array().into_iter().flatten().filter_map(|line| line["message"].as_str()) {
            if !self.allowed.borrow().iter().any(|allowed| line.contains(allowed)) {
                self.met.borrow_mut().push(line.to_owned());
            }
        }
    }

    /// Nothing was written to the console, blocked or asked in a dialog.
    #[track_caller]
    pub fn check(&self) {
        self.listen();
        let met = self.met.take();
        assert!(met.is_empty(), "the page says what no page may: {met:#?}");
    }

    /// Keeps a picture and what can be read, and panics.
    #[track_caller]
    fn fail(&self, what: &str) -> ! {
        let picture = home().temp_dir().join("browser.png");
        if let Ok(taken) = self.try_call("GET", "/screenshot", &Value::Null) {
            let bytes = BASE64_STANDARD.decode(taken.as_str().unwrap_or_default()).unwrap_or_default();
            drop(fs::write(&picture, bytes));
        }
        self.listen();
        let text = json!({"script": "return location.href + '\\n' + document.body.innerText", "args": []});
        let text = self.try_call("POST", "/execute/sync", &text).unwrap_or_default();
        let (met, text) = (self.met.take(), text.as_str().unwrap_or_default().to_owned());
        panic!("in vain: {what}\na picture of it: {}\n{text}\nconsole: {met:#?}", picture.display())
    }
}

impl Drop for Browser<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.check();
        }
        drop(self.try_call("DELETE", "", &Value::Null));
    }
}

fn is_in(seen: &Value, text: &str) -> bool {
    seen.as_str().is_some_and(|seen| seen.contains(text))
}

/// What axe-core finds seriously wrong with the page, one line for each element; `None` if it is not there, which is said.
#[track_caller]
pub fn axe(browser: &Browser<'_>) -> Option<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/axe/node_modules/axe-core/axe.min.js");
    let Ok(source) = fs::read_to_string(&path) else {
        eprintln!("********** SKIPPED: no axe-core in target/axe; `scripts/setup test` says why **********");
        return None;
    };
    // Past the page's own policy, which lets no script in.
    browser.debug("Runtime.evaluate", json!({"expression": source, "returnByValue": true}));
    let script = "const done = arguments[arguments.length - 1];
        axe.run(document, {resultTypes: ['violations']}).then(
            found => done(found.violations.flatMap(rule => rule.nodes.map(
                node => `${rule.impact} ${rule.id}: ${node.html} (${node.failureSummary})`))),
            error => done(['serious ' + error]))";
    let found = browser.run_until_called(script, json!([]));
    let lines = found.as_array().unwrap().iter().filter_map(Value::as_str).map(str::to_owned);
    Some(lines.filter(|line| line.starts_with("serious") || line.starts_with("critical")).collect())
}
