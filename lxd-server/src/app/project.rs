//! Projects. There is only the default one so far.

use crate::db::tables::{objects, profiles, projects};
use crate::db::{Database, Tx};
use crate::error::{Error, Result};
use futures::FutureExt;
use shared_api::paths;
use shared_api::projects::Project;

/// The project that everything is in unless a request names another.
pub const DEFAULT: &str = "default";

/// All projects, by name.
pub async fn list(db: &Database) -> Result<Vec<Project>> {
    db.read(|tx| {
        async move {
            let mut all = Vec::new();
            for project in projects::list(tx).await? {
                all.push(show(tx, project).await?);
            }
            Ok(all)
        }
        .boxed()
    })
    .await
}

/// One project.
pub async fn get(db: &Database, name: &str) -> Result<Project> {
    db.read(|tx| {
        async move {
            let project = projects::by_name(tx, name).await?;
            show(tx, project.ok_or_else(|| Error::not_found("Project not found"))?).await
        }
        .boxed()
    })
    .await
}

/// The id of the project that a request names.
pub async fn id(tx: &mut Tx<'_>, name: &str) -> Result<i64> {
    projects::id(tx, name).await?.ok_or_else(|| {
        Error::not_found("Project not found")
            .prefix(format_args!("Failed loading project \"{name}\""))
    })
}

/// Refuses a project that is not there.
pub async fn check(db: &Database, name: &str) -> Result<()> {
    if name != DEFAULT {
        db.read(|tx| id(tx, name).boxed()).await?;
    }
    Ok(())
}

/// The URL of an object in a project.
pub fn url(path: String, project: &str) -> String {
    if project == DEFAULT { path } else { paths::with_query(&path, &[("project", project)]) }
}

async fn show(tx: &mut Tx<'_>, project: projects::Project) -> Result<Project> {
    let profiles = profiles::names(tx, project.id).await?;
    let mut used_by: Vec<String> =
        profiles.iter().map(|name| url(paths::profile(name), &project.name)).collect();
    if project.id == projects::DEFAULT {
        let networks = objects::NETWORKS.list(tx).await?;
        used_by.extend(networks.iter().map(|network| paths::network(&network.name)));
    }
    Ok(Project {
        config: project.config,
        description: project.description,
        name: project.name,
        used_by,
    })
}
