//! Who the caller is on file: looking up, searching, verifying, putting on file and changing.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use serde_json::{Value, json};

use super::access::{Identity, Learned};
use super::args::{CreateCustomer, SearchCustomersByName, UpdateCustomer, VerifyIdentity};
use super::reading;
use super::results::{Ran, failure, success};
use super::router::{Done, Run, ToolRouter, nothing};
use super::vehicles::vehicle_json;
use crate::crm::CrmMsg;
use crate::domain::customer::fact_matches;
use crate::domain::{Customer, CustomerFacts, CustomerId, IdentityFact, NewCustomer};
use crate::ports::{Action, RenderCustomer};

/// People of one name who are looked at.
const SEARCHED_ROWS: u32 = 200;
/// People who are found at most.
const FOUND_MAX: usize = 5;
/// Digits that go with a name.
const LAST_DIGITS: usize = 4;
/// Longest part of an address, in characters.
const ADDRESS_MAX_CHARS: usize = 120;
/// Longest postal code, in characters.
const POSTAL_CODE_MAX_CHARS: usize = 12;
/// Longest text about what a customer likes, in characters.
const PREFERENCES_MAX_CHARS: usize = 500;

impl ToolRouter {
    pub(super) async fn lookup(&self, identity: &Identity) -> Ran {
        let Some(customer) = &identity.customer else {
            let message = "The caller is not on file. Ask for the full name before booking.";
            return Ok(success(json!({ "known": false }), message));
        };
        let mut data = json!({ "known": true, "first_name": customer.first_name(), "verified": identity.verified });
        if identity.verified {
            data["contact"] = contact(customer);
            let id = customer.id;
            let vehicles = self.read(|reply_to| CrmMsg::Vehicles { customer: id, reply_to }).await?;
            data["vehicles"] = vehicles.iter().map(vehicle_json).collect();
        }
        Ok(success(data, "The caller is on file."))
    }

    /// Helps a caller whose number is not on file to their own record. A stranger must gain nothing by it: whoever asks
    /// says the full name and the last digits of the number, only a record that has both is found, and of that no more is
    /// told than what was said. Without the digits nobody is looked for, so that a name alone does not show who is a
    /// customer. What is found may be verified, by a fact that is not in the telephone book or on the vehicle.
    pub(super) async fn search(&self, args: SearchCustomersByName) -> Result<Done, Value> {
        let name = reading::name(Some(args.name), "name")?.filter(|name| words(name).len() > 1);
        let name = name.ok_or_else(|| failure("name_needed", "Ask for the first and the last name."))?;
        let digits: String = args.phone_last_four.unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
        if digits.len() != LAST_DIGITS {
            return Err(failure(
                "digits_needed",
                "Ask for the last four digits of the phone number that is on file, then search again with them.",
            ));
        }
        let ask = |reply_to| CrmMsg::ByName { name: name.clone(), limit: SEARCHED_ROWS, reply_to };
        let mut found = self.read(ask).await?;
        found.retain(|c| words(&c.name) == words(&name) && c.phone.as_e164().ends_with(&digits));
        let first_name = name.split_whitespace().next().unwrap_or_default();
        let initial = words(&name).last().and_then(|last| last.chars().next()).unwrap_or_default();
        let matches: Vec<Value> = found
            .iter()
            .take(FOUND_MAX)
            .map(|_| json!({ "first_name": first_name, "last_initial": initial, "phone_last_four": digits }))
            .collect();
        let message = match found.len() {
            0 => "Nobody is on file with that name and number. Check both once; a new caller may simply book.",
            1 => "Found. To go on, ask for the date of birth or the VIN and call verify_identity.",
            _ => "Several are on file like that. Offer that a colleague helps.",
        };
        let only = if found.len() == 1 { found.pop() } else { None };
        let learned = only.map(|customer| Learned::Claimed(Box::new(customer)));
        Ok(Done { result: success(json!({ "matches": matches }), message), learned })
    }

    pub(super) async fn verify(&self, identity: &Identity, args: &VerifyIdentity) -> Result<Done, Value> {
        let Some(customer) = identity.to_verify() else { return Err(failure("not_on_file", "Nobody is on file.")) };
        if identity.is_only_claimed() && !matches!(args.fact, IdentityFact::DateOfBirth | IdentityFact::Vin) {
            return Err(failure("weak_fact", "Here only the date of birth or a VIN counts. Ask for one of them."));
        }
        let id = customer.id;
        let vehicles = self.read(|reply_to| CrmMsg::Vehicles { customer: id, reply_to }).await?;
        if fact_matches(args.fact, &args.value, customer, &vehicles) {
            let learned = Some(Learned::Verified(Box::new(customer.clone())));
            Ok(Done { result: success(nothing(), "The caller is verified."), learned })
        } else {
            Err(failure("no_match", "That is not what is on file. Ask for another fact; do not say what is on file."))
        }
    }

    pub(super) async fn create_customer(&self, run: &Run, args: CreateCustomer) -> Result<Done, Value> {
        let phone = run.identity.phone.clone();
        let phone = phone.ok_or_else(|| failure("no_caller_id", "The caller's number is withheld."))?;
        let name = reading::name(Some(args.name), "name")?;
        let name = name.ok_or_else(|| failure("name_needed", "Ask for the full name."))?;
        let facts = CustomerFacts {
            email: reading::email(args.email)?,
            birth_date: reading::birth_date(args.birth_date, self.today())?,
            street: reading::text(args.street, "street", ADDRESS_MAX_CHARS)?,
            city: reading::text(args.city, "city", ADDRESS_MAX_CHARS)?,
            postal_code: reading::text(args.postal_code, "postal_code", POSTAL_CODE_MAX_CHARS)?,
            reminder_consent: args.reminder_consent,
            ..CustomerFacts::default()
        };
        let (render, seen) = rendered("The caller is on file now.");
        let new = NewCustomer { name, phone, since: self.today() };
        let action = Action::CreateCustomer { new, facts, render };
        let result = self.act(run, action).await.map_err(|result| match result["error"].as_str() {
            // The number is the caller's own, so this tells nobody anything of somebody else.
            Some("phone_refused") => failure("on_file", "The caller's number is on file already. No need to add it."),
            _ => result,
        })?;
        let customer = match seen.load_full() {
            Some(customer) => Some(Arc::unwrap_or_clone(customer)),
            None => self.by_phone(&run.identity).await,
        };
        Ok(Done { result, learned: customer.map(|customer| Learned::Created(Box::new(customer))) })
    }

    pub(super) async fn update_customer(&self, run: &Run, args: UpdateCustomer) -> Result<Done, Value> {
        let customer = run.customer()?;
        let facts = CustomerFacts {
            name: reading::name(args.name, "name")?,
            phone: reading::phone(args.phone)?,
            email: reading::email(args.email)?,
            birth_date: reading::birth_date(args.birth_date, self.today())?,
            street: reading::text(args.street, "street", ADDRESS_MAX_CHARS)?,
            city: reading::text(args.city, "city", ADDRESS_MAX_CHARS)?,
            postal_code: reading::text(args.postal_code, "postal_code", POSTAL_CODE_MAX_CHARS)?,
            preferences: reading::text(args.preferences, "preferences", PREFERENCES_MAX_CHARS)?,
            reminder_consent: args.reminder_consent,
            kind: None,
            notes: None,
        };
        if facts == CustomerFacts::default() {
            return Err(failure("nothing_to_change", "Nothing was given to change. Ask what is to be changed."));
        }
        let (render, seen) = rendered("The contact data is changed.");
        let caller = run.identity.phone.clone();
        let result = self.act(run, Action::UpdateCustomer { customer, facts, caller, render }).await?;
        let now = match seen.load_full() {
            Some(customer) => Some(Arc::unwrap_or_clone(customer)),
            None => self.on_file(customer).await,
        };
        Ok(Done { result, learned: now.map(|customer| Learned::OnFile(Box::new(customer))) })
    }

    async fn on_file(&self, customer: CustomerId) -> Option<Customer> {
        self.read(|reply_to| CrmMsg::Find { customer, reply_to }).await.ok().flatten()
    }
}

/// Makes the result of a change, and keeps what is on file after it. A result that was stored before keeps nothing.
pub(super) fn rendered(message: &'static str) -> (RenderCustomer, Arc<ArcSwapOption<Customer>>) {
    let seen = Arc::<ArcSwapOption<Customer>>::default();
    let whose = Arc::clone(&seen);
    let render = Arc::new(move |customer: &Customer| {
        whose.store(Some(Arc::new(customer.clone())));
        success(json!({ "first_name": customer.first_name(), "contact": contact(customer) }), message)
    });
    (render, seen)
}

/// What a verified caller may hear of themselves; what proves who they are is not among it.
fn contact(customer: &Customer) -> Value {
    json!({
        "name": customer.name,
        "phone": customer.phone.as_e164(),
        "email": customer.email,
        "street": customer.street,
        "city": customer.city,
        "postal_code": customer.postal_code,
        "preferences": customer.preferences,
        "reminder_consent": customer.reminder_consent,
    })
}

/// The words of a name, whatever their case and what stands between them.
fn words(name: &str) -> Vec<String> {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}
