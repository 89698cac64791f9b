//! What a plan would change, as a unified diff of YAML.

use super::plan::{Plan, Step};
use serde_json::json;
use shared_api::config::server::TRUST_PASSWORD;
use shared_api::yaml;

/// The whole plan: one part for each object.
pub(super) fn of(plan: &Plan) -> String {
    let mut text: String = plan.steps.iter().map(step).collect();
    if let Some(membership) = &plan.cluster {
        let mut wanted = super::plan::json(&membership.wanted);
        if let Some(fields) = wanted.as_object_mut() {
            fields.remove("cluster_password");
        }
        text.push_str(&part("cluster", "", &yaml::to_string(&wanted)));
    }
    text
}

fn step(step: &Step) -> String {
    let old = &step.undo.body;
    let mut new = step.request.body.clone();
    let config = new.get_mut("config");
    let password = config.and_then(|config| config.get_mut(TRUST_PASSWORD));
    if let Some(password) = password.filter(|password| password.is_string()) {
        *password = json!("(another one)");
    }
    let old = if old.is_null() { String::new() } else { yaml::to_string(old) };
    part(&step.object, &old, &yaml::to_string(&new))
}

fn part(object: &str, old: &str, new: &str) -> String {
    let from = if old.is_empty() { "/dev/null" } else { object };
    let (old, new) = (old.lines().collect::<Vec<_>>(), new.lines().collect::<Vec<_>>());
    let range = |lines: &[&str]| format!("{},{}", usize::from(!lines.is_empty()), lines.len());
    let (before, after) = (range(&old), range(&new));
    let body = lines(&old, &new);
    format!("--- {from}\n+++ {object}\n@@ -{before} +{after} @@\n{body}")
}

/// Lines that go, lines that come and those between them, along a longest common subsequence.
fn lines(old: &[&str], new: &[&str]) -> String {
    let mut common = vec![vec![0; new.len() + 1]; old.len() + 1];
    for (row, line) in old.iter().enumerate().rev() {
        for (column, other) in new.iter().enumerate().rev() {
            common[row][column] = match line == other {
                true => common[row + 1][column + 1] + 1,
                false => common[row + 1][column].max(common[row][column + 1]),
            };
        }
    }
    let (mut row, mut column, mut text) = (0, 0, String::new());
    while row < old.len() || column < new.len() {
        let (sign, line) = match (old.get(row), new.get(column)) {
            (Some(line), Some(other)) if line == other => {
                (row, column) = (row + 1, column + 1);
                (' ', line)
            }
            (Some(line), other)
                if other.is_none() || common[row + 1][column] >= common[row][column + 1] =>
            {
                row += 1;
                ('-', line)
            }
            (_, Some(line)) => {
                column += 1;
                ('+', line)
            }
            (_, None) => break,
        };
        text.push(sign);
        text.push_str(line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Request;
    use crate::init::plan::Membership;
    use reqwest::Method;
    use serde_json::Value;
    use shared_api::cluster::ClusterPut;

    fn step(object: &str, old: Value, new: Value) -> Step {
        Step {
            action: String::new(),
            object: object.to_owned(),
            request: Request::new(Method::PUT, "", new),
            undo: Request::new(Method::PUT, "", old),
        }
    }

    #[test]
    fn a_plan_is_a_diff_without_secrets() {
        let config = step(
            "config",
            json!({"config": {"core.trust_password": true, "user.a": "1", "user.b": "2"}}),
            json!({"config": {"core.trust_password": "sekret", "user.b": "2", "user.c": "3"}}),
        );
        let pool = step("storage_pools/a", Value::Null, json!({"name": "a", "driver": "dir"}));
        let secret = "sekret".to_owned();
        let wanted =
            ClusterPut { enabled: true, cluster_password: secret, ..ClusterPut::default() };
        let cluster = Some(Membership { failure: "", wanted });
        let printed = of(&Plan { steps: vec![config, pool], cluster });
        let expected = "\
--- config
+++ config
@@ -1,4 +1,4 @@
 config:
-  core.trust_password: true
-  user.a: \"1\"
+  core.trust_password: (another one)
   user.b: \"2\"
+  user.c: \"3\"
--- /dev/null
+++ storage_pools/a
@@ -0,0 +1,2 @@
+driver: dir
+name: a
--- /dev/null
+++ cluster
@@ -0,0 +1,6 @@
+cluster_address: \"\"
+cluster_certificate: \"\"
+enabled: true
+member_config: []
+server_address: \"\"
+server_name: \"\"
";
        assert_eq!(printed, expected);
        assert_eq!(of(&Plan::default()), "");
    }
}
