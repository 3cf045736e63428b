//! Activations by name, in descriptions.

/// `#[serde(with = "activation_name")]`: an activation by its name.
pub(crate) mod activation_name {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use vecfield_kernels::Activation;

    pub(crate) fn serialize<S: Serializer>(activation: &Activation, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(activation.name())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Activation, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(from)?;
        Activation::ALL.into_iter().find(|activation| activation.name() == name).ok_or_else(|| {
            let known: Vec<&str> = Activation::ALL.iter().map(|activation| activation.name()).collect();
            D::Error::custom(format!("unknown activation \"{name}\"; there are {}", known.join(", ")))
        })
    }
}
