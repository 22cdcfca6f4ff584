//! Requests of an administrator against the directory's database. Each line is one: a letter, and the JSON that was sent.

mod checks;
mod world;

use vtryon_gateway_engine::Failure;

use self::world::World;

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let scripts = [
        "c{\"url\":\"https://shop.example/a\"}\np{\"enabled\":false,\"description\":\"x\"}\nr{\"overlap_hours\":0}\nd",
        "c{\"url\":\"https://shop.example/\",\"order\":\"all\",\"statuses\":[\"completed\"],\"events\":[\"a.b\"],\"include\":[\"unknown\",\"quarantined\"],\"timeout_seconds\":30}\nr\nr{\"overlap_hours\":168}\nt\nr{\"overlap_hours\":1e0}\nz",
        "c{\"url\":\"https://shop.example/\",\"headers\":{\"x-api-key\":\"a b\",\"CF-Access-Client-Id\":\"c\"},\"auth\":{\"type\":\"basic\",\"username\":\"u\",\"password\":\"p\"}}\np{\"url\":\"https://other.example/\"}\np{\"headers\":{\"authorization\":\"a\"}}\np{\"headers\":null,\"auth\":{\"type\":\"bearer\",\"token\":\"t\"}}\np{\"headers\":{\"host\":\"a\"}}",
        "a{\"url\":\"https://ops.example/\",\"events\":[\"gateway.endpoint_failing\"],\"format\":\"slack\"}\na{\"url\":\"https://ops.example/\"}\nc{\"url\":\"https://shop.example/\"}\np{\"enabled\":false}\nt\np{\"enabled\":true}\nt",
        "c{\"url\":\"https://gateway.example/\"}\nc{\"url\":\"https://xn--a/\"}\nc{\"url\":1}\nc{}\nc",
        "c{\"url\":\"https://shop.example/\"}\ny{\"endpoint\":\"ep_1\",\"which\":\"all\",\"from\":\"2026-01-01T00:00:00Z\"}\nx\nx\ny{\"endpoint\":\"ep_1\",\"dry_run\":true}\ny{\"endpoint\":\"ep_1\",\"until\":\"2025-12-31T23:59:60+01:00\"}",
        "j[{\"code\":\"signature_mismatch\",\"path\":\"/webhooks/vtryon\",\"count\":3,\"first_at\":1,\"last_at\":2,\"first\":{\"received_at\":1,\"header\":\"ab\",\"header_bytes\":2,\"content_type\":null,\"body\":\"7b7d\",\"body_bytes\":2},\"last\":null}]\nt\nj[{\"code\":\"x\",\"count\":-1}]",
        "k{\"name\":\"ci\",\"scope\":\"replay\",\"expires_at\":\"2026-05-28T21:00:00Z\"}\nk{\"name\":\"\",\"scope\":\"root\"}\nt\nk{\"name\":\"x\",\"scope\":\"tickets\"}\nv\nv",
        "k{\"name\":\"ci\",\"scope\":\"admin\"}\nf\nT\nf\nk{\"name\":\"ci\",\"scope\":\"read\",\"expires_at\":\"2026-06-01T00:00:00Z\"}\nf\nT\nf",
        "a{\"url\":\"https://ops.example/\"}\nc{\"url\":\"https://shop.example/\"}\nwendpoint_down\nq\nwendpoint_up\nwdelivery_dead\nwevent_quarantined\nq\nt\nT\nwendpoint_up\nt",
        "c{\"url\":\"https://shop.example/\"}\nufailing\nugone\nugone\np{\"enabled\":true}\nufailing\nd\nugone\nT",
        "etask_1\nedlv_0_65537\ni\ni\nt\ni\nT\ni",
        "s\ng\nsformer\ngformer\ngformer\nT\nT\nT\nT",
    ];
    scripts.map(Into::into).to_vec()
}

pub(crate) fn check(input: &[u8]) {
    let mut world = World::new();
    for line in input.split(|byte| *byte == b'\n').take(32) {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let Some(kind) = line.chars().next() else { continue };
        let body = &line[kind.len_utf8()..];
        let before = world.all_as_json();
        let result = world.request(kind, body);
        match result {
            Ok(()) => world.check(),
            Err(Failure::Refused(refusal)) => {
                assert!(!refusal.message.is_empty());
                assert_eq!(world.all_as_json(), before, "a refused request changes nothing");
            }
            Err(Failure::Fault(fault)) => panic!("{line}: {fault}"),
        }
    }
}
