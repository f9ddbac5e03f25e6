//! People as the NEERC volunteers service knows them, over HTTP with a bearer token: `GET /api/halls?year=ID` names the halls,
//! whose chat aliases are accounts; `GET /api/user?username=E-MAIL&day=ID` says in which hall somebody is, which is asked for
//! each account that is named by an e-mail address. Not how often.

use super::{Listed, Volunteers};
use crate::http;
use crate::limits;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The group of all halls.
const HALLS: &str = "Halls";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hall {
    name: String,
    #[serde(default)]
    cur_name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    chat_alias: Option<String>,
}

#[derive(Deserialize)]
struct User {
    hall: String,
}

/// Asks the service for all halls, and for those accounts that are e-mail addresses.
pub fn read(service: &Volunteers, accounts: &[String]) -> Result<Vec<Listed>, String> {
    let token = std::fs::read_to_string(&service.token_file)
        .map_err(|error| format!("its token cannot be read from {}: {error}", service.token_file.display()))?;
    let agent = http::agent(&service.address)?;
    let ask = Asker { agent, base: service.address.url.trim_end_matches('/'), token: token.trim() };
    let halls: Vec<Hall> = ask
        .get(&format!("/api/halls?year={}", service.year))?
        .ok_or_else(|| format!("it knows no year {} (404): correct year", service.year))?;
    let mut people: Vec<Listed> = halls.into_iter().map(listed).collect();
    let Some(day) = service.day else { return Ok(people) };
    for account in accounts.iter().take(limits::LISTED) {
        let Some(mail) = mail(account) else { continue };
        let found: Option<User> = ask.get(&format!("/api/user?username={}&day={day}", escaped(&mail)))?;
        if let Some(User { hall }) = found {
            people.push(Listed { name: account.clone(), display: Some(hall), groups: vec![HALLS.to_owned()] });
        }
    }
    Ok(people)
}

fn listed(hall: Hall) -> Listed {
    let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let display = filled(hall.cur_name).or(filled(hall.description)).unwrap_or_else(|| hall.name.clone());
    // The service lets everybody in under the lower-cased alias.
    let name = filled(hall.chat_alias).unwrap_or(hall.name).trim().to_lowercase();
    Listed { name, display: Some(display), groups: vec![HALLS.to_owned()] }
}

/// The e-mail address that an account is named by, escaped as XEP-0106 says or not.
fn mail(account: &str) -> Option<String> {
    account.contains("\\40").then(|| account.replace("\\40", "@"))
}

/// A value within the query of a URL.
fn escaped(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let escape = |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(escape).collect()
}

struct Asker<'a> {
    agent: ureq::Agent,
    base: &'a str,
    token: &'a str,
}

impl Asker<'_> {
    /// What is there; `None` for what the service does not know.
    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, String> {
        let url = format!("{}{path}", self.base);
        let request = self.agent.get(&url).header("Authorization", &format!("Bearer {}", self.token));
        let mut response = request.call().map_err(|error| error.to_string())?;
        match response.status().as_u16() {
            200 => {}
            404 => return Ok(None),
            401 | 403 => return Err(format!("{url} refuses the token ({}): make a new one there", response.status())),
            300..=399 => return Err(format!("{url} sends on to somewhere else: give the address itself")),
            _ => return Err(format!("{url} answers {}", response.status())),
        }
        let body = response.body_mut().with_config().limit(limits::LIST_BYTES as u64).read_to_vec();
        let body = body.map_err(|error| error.to_string())?;
        serde_json::from_slice(&body).map(Some).map_err(|error| format!("{url} answers something else: {error}"))
    }
}
