//! Tests of the vault; the envelopes were written by ansible-vault.
#![allow(clippy::unwrap_used)]

use super::*;

const TEXT_11: &str = "$ANSIBLE_VAULT;1.1;AES256\n\
32643137646436623737663231363035343736373637393834376330313733663238623630336163\n\
3634663533323231616538343862353563303033346334340a303135623232356138643961643231\n\
32623937383737363064643033653938613266616361643134636133376533636237383864643438\n\
6533323361353732330a643133346666636332306164613362363532333665653538353534366235\n\
37383031333561333762613764343036623865643763383134643661653063386366\n";

const TEXT_12: &str = "$ANSIBLE_VAULT;1.2;AES256;prod\n\
33383963356535626231333861343436366536383734633032353439366266666463323163333262\n\
6464623132363136613161363335303738643936623963310a393237653235356238666438313265\n\
36376263643635333461383032323534323764633831346562353363306232653036373731303538\n\
6435383933313765350a653339303038623265633539333737653762303533663534383961633532\n\
64396130653765353131656536326366643137373366666533613533613762653963\n";

const BINARY_11: &str = "$ANSIBLE_VAULT;1.1;AES256\n\
35653461346134386230373963333434353538383432663439626339383131333264303266346630\n\
6362613061363239346531653539333763396339356236300a383634313231356236353739346535\n\
36623634303862643239306664356563636137633630616564663135313836623666663133373761\n\
6631346561643836300a646131626534346363333461633538643937323330663730366338313634\n\
32653832313635306639646466336634663663356334313264376233346362346135626533643431\n\
3038636237353837376330336666343336353738623836643932\n";

const BLOCK_12: &str = "$ANSIBLE_VAULT;1.2;AES256;prod\n\
35363265613464393863653365376134303038306465363566656136656335643765336434373636\n\
6436643065343364346437303265643364316631383834390a396466313362316232353238346662\n\
63326563623834333532376561646263653639336534663633386238333335653166316165626537\n\
6262636461393661660a363432633665383666323732613938376633323162363237643930366335\n\
64653633326437313533666439376633336636613362366131326263356235396434\n";

const EMPTY_11: &str = "$ANSIBLE_VAULT;1.1;AES256\n\
30326434626665366439333062656230326261613035626536616235333865656636613433646264\n\
6264623263663930396431393764616234663434353034330a366233306139373530363132316434\n\
66613435383939653563363738303661396663373738323966303664633330613436366664333832\n\
6665393031663431350a643765343930623239303834633839303061376161356532653236333234\n\
3134\n";

const CLEAR: &str = "secret text\nwith ünïcode\n";

fn secrets(list: &[(&str, &str)]) -> Secrets {
    let mut secrets = Secrets::default();
    for (id, secret) in list {
        secrets.push(*id, Secret::new(*secret).unwrap());
    }
    secrets
}

#[test]
fn reads_what_ansible_vault_wrote() {
    let both = secrets(&[("default", "hunter2\n"), ("prod", " spaced pass wörd \n\n")]);
    assert_eq!(decrypt_text(TEXT_11, &both).unwrap(), CLEAR);
    assert_eq!(decrypt_text(TEXT_12, &both).unwrap(), CLEAR);
    assert_eq!(decrypt(BINARY_11, &both).unwrap(), [0; 33]);
    assert_eq!(decrypt(BLOCK_12, &both).unwrap(), [b'x'; 16]);
    assert_eq!(decrypt(EMPTY_11, &both).unwrap(), b"");
    assert_eq!(vault_id(TEXT_12).as_deref(), Some("prod"));
    assert_eq!(vault_id(TEXT_11), None);
    let indented = TEXT_12.replace('\n', "\n      ");
    assert_eq!(decrypt_text(format!("  {indented}"), &both).unwrap(), CLEAR);
}

#[test]
fn writes_what_ansible_vault_wrote() {
    for (text, password, id) in [(TEXT_11, "hunter2", None), (TEXT_12, "spaced pass wörd", Some("prod"))] {
        let salt = Envelope::parse(text.as_bytes()).unwrap().salt;
        let secret = Secret::new(password).unwrap();
        assert_eq!(encrypt_with_salt(CLEAR.as_bytes(), &secret, id, &salt).unwrap(), text);
    }
}

#[test]
fn what_is_encrypted_is_decrypted() {
    for clear in ["", "exactly sixteen."] {
        let secret = Secret::new("p").unwrap();
        let text = encrypt(clear, &secret, Some("a")).unwrap();
        assert!(is_vault(&text) && text.ends_with('\n') && text.lines().all(|line| line.len() <= 80));
        assert_eq!(decrypt_text(text, &secrets(&[("a", "p")])).unwrap(), clear);
    }
}

#[test]
fn every_text_has_its_own_salt() {
    assert_ne!(cipher::random_salt().unwrap(), cipher::random_salt().unwrap());
}

#[test]
fn ids_choose_the_secret() {
    let mut others = secrets(&[("dev", "x"), ("other", "spaced pass wörd")]);
    assert_eq!(decrypt_text(TEXT_12, &others).unwrap(), CLEAR);
    others.match_ids = true;
    let error = decrypt(TEXT_12, &others).unwrap_err();
    assert_eq!(error, VaultError::WrongSecret { tried: vec![], wanted: Some("prod".into()) });
    assert_eq!(
        error.to_string(),
        "decryption failed: no secret has the vault id; the data was encrypted for the vault id `prod`"
    );
}

#[test]
fn errors_say_what_is_wrong_and_hold_no_secret() {
    let wrong = secrets(&[("default", "topsecret")]);
    let error = decrypt(TEXT_12, &wrong).unwrap_err();
    assert_eq!(
        error.to_string(),
        "decryption failed: the secret does not fit (tried default); the data was encrypted for the vault id `prod`"
    );
    assert!(!format!("{error:?} {wrong:?}").contains("topsecret"));
    assert_eq!(decrypt("hello", &wrong), Err(VaultError::NoHeader));
    assert_eq!(decrypt(TEXT_11, &Secrets::default()), Err(VaultError::NoSecrets));
    assert!(matches!(decrypt("$ANSIBLE_VAULT;9.9;AES256\n00\n", &wrong), Err(VaultError::Header(_))));
    assert!(matches!(decrypt("$ANSIBLE_VAULT;1.1;ROT13\n00\n", &wrong), Err(VaultError::Header(_))));
    assert!(matches!(decrypt("$ANSIBLE_VAULT;1.1;AES256\nxy\n", &wrong), Err(VaultError::Body(_))));
    assert!(matches!(decrypt("$ANSIBLE_VAULT;1.1;AES256\n00\n", &wrong), Err(VaultError::Body(_))));
    assert_eq!(Secret::new(" \n").unwrap_err(), VaultError::EmptySecret);
    assert!(matches!(encrypt("x", &Secret::new("p").unwrap(), Some("a;b")), Err(VaultError::Id(_))));
}

#[test]
fn a_changed_byte_is_noticed() {
    let changed = TEXT_11.replace("\n3", "\n6");
    assert!(decrypt(changed, &secrets(&[("default", "hunter2")])).is_err());
}
