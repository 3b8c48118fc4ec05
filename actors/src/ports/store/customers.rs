//! Reading who the customers are, what they drive and what was done on it.

use async_trait::async_trait;

use super::StoreError;
use crate::domain::{Customer, CustomerId, PhoneNumber, ServiceRecord, Vehicle};

/// What has answered a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A cache knew.
    Cache,
    /// The database was asked.
    Database,
}

impl Source {
    /// The name in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Database => "database",
        }
    }
}

/// Who has a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The customer; none when nobody on file has it.
    pub customer: Option<Customer>,
    /// Who knew.
    pub source: Source,
}

/// Customers and their vehicles. Answers may be a moment old where the database has a replica for reading.
#[async_trait]
pub trait CustomerStore: Send + Sync {
    /// The customer with that number.
    async fn customer_by_phone(&self, phone: &PhoneNumber) -> Result<Option<Customer>, StoreError>;

    /// As [`Self::customer_by_phone`], and who knew. A store with a cache says so.
    async fn look_up(&self, phone: &PhoneNumber) -> Result<Found, StoreError> {
        Ok(Found { customer: self.customer_by_phone(phone).await?, source: Source::Database })
    }

    /// The customer in that row.
    async fn customer(&self, id: CustomerId) -> Result<Option<Customer>, StoreError>;

    /// At most `limit` customers in whose names there are words that begin with the words of `name`, in that order;
    /// sorted by name. Case and punctuation do not count; a name without a letter or digit finds nobody.
    async fn customers_by_name(&self, name: &str, limit: u32) -> Result<Vec<Customer>, StoreError>;

    /// A customer's vehicles, oldest row first.
    async fn vehicles_of(&self, customer: CustomerId) -> Result<Vec<Vehicle>, StoreError>;

    /// At most `limit` visits' work on a customer's vehicles, latest first.
    async fn service_history(&self, customer: CustomerId, limit: u32) -> Result<Vec<ServiceRecord>, StoreError>;
}
