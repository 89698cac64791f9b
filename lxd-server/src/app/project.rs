//! Projects: what is in them, and whose profiles each of them has.

use crate::app::object::Patch;
use crate::context::Context;
use crate::db::tables::{objects, profiles, projects};
use crate::db::{Database, Tx, new_id};
use crate::error::{Error, Result};
use crate::operations::Task;
use futures::FutureExt;
use shared_api::config::Map;
use shared_api::config::project::{FEATURES, INITIAL, PROFILES, has, validate};
use shared_api::name::ProjectName;
use shared_api::operations::Operation;
use shared_api::paths;
pub use shared_api::projects::DEFAULT;
use shared_api::projects::{Project, ProjectPut, ProjectsPost};

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
            let project = find(tx, name).await?;
            show(tx, project).await
        }
        .boxed()
    })
    .await
}

/// Makes a project, with an empty profile `default` if it has profiles of its own.
pub async fn create(db: &Database, request: ProjectsPost) -> Result<()> {
    let request = checked(request)?;
    let ProjectsPost { config, description, name } = request;
    let new = &projects::Project { id: new_id(), name, description, config };
    let profile = new_id();
    db.write(|tx| {
        async move {
            projects::insert(tx, new).await.map_err(|error| {
                error.prefix(format_args!("Failed creating project \"{}\"", new.name))
            })?;
            if has(&new.config, PROFILES) { furnish(tx, new, profile).await } else { Ok(()) }
        }
        .boxed()
    })
    .await
}

/// What is made of a request: with the features that it does not name, without empty values.
///
/// # Errors
/// No server would take it.
pub fn checked(mut request: ProjectsPost) -> Result<ProjectsPost> {
    let _: ProjectName = request.name.parse().map_err(Error::invalid)?;
    validate(&request.name, &request.config).map_err(Error::invalid)?;
    for feature in INITIAL {
        request.config.entry(feature.to_owned()).or_insert_with(|| "true".to_owned());
    }
    request.config.retain(|_, value| !value.is_empty());
    Ok(request)
}

/// Refuses keys that no project of that name could get instead of those it has.
pub fn check_change(name: &str, old: &Map, new: &Map) -> Result<()> {
    validate(name, new).map_err(Error::invalid)?;
    if name == DEFAULT && FEATURES.iter().any(|feature| has(old, feature) != has(new, feature)) {
        return Err(Error::invalid("You can't change the features of the default project"));
    }
    Ok(())
}

/// Replaces a project. `unchanged` refuses if it is not the one that the client has seen.
pub async fn replace(
    db: &Database,
    name: &str,
    unchanged: impl Fn(&ProjectPut) -> Result<()> + Sync,
    request: ProjectPut,
) -> Result<()> {
    change(db, name, &unchanged, &|_| request.clone()).await
}

/// Changes a part of a project. `unchanged` refuses if it is not the one that the client has seen.
pub async fn patch(
    db: &Database,
    name: &str,
    unchanged: impl Fn(&ProjectPut) -> Result<()> + Sync,
    request: Patch,
) -> Result<()> {
    change(db, name, &unchanged, &|now| {
        let Patch { config, description } = request.clone();
        let mut new = now.clone();
        new.config.extend(config);
        new.description = description.unwrap_or(new.description);
        new
    })
    .await
}

/// Gives a project another name. It has it when this returns: the operation has nothing left to do.
pub async fn rename(ctx: &Context, old: &str, new: &str) -> Result<Operation> {
    if old == DEFAULT {
        return Err(Error::forbidden("The 'default' project cannot be renamed"));
    }
    let name: ProjectName = new.parse().map_err(Error::invalid)?;
    let renamed = ctx.db.write(|tx| {
        let name = name.as_str();
        async move {
            if projects::id(tx, name).await?.is_some() {
                let text = format_args!("A project named \"{name}\" already exists");
                return Err(Error::conflict(text));
            }
            let id = id(tx, old).await?;
            projects::rename(tx, id, name).await
        }
        .boxed()
    });
    renamed.await?;
    let task = Task { description: "Renaming project".to_owned(), ..Task::default() };
    ctx.operations.spawn(task, |_| async { Ok(()) })
}

/// Deletes a project in which nothing is but its profile `default`. Certificates that are for it stay,
/// for one project less.
pub async fn delete(db: &Database, name: &str) -> Result<()> {
    if name == DEFAULT {
        return Err(Error::forbidden("The 'default' project cannot be deleted"));
    }
    db.write(|tx| {
        async move {
            let project = find(tx, name).await;
            let project =
                project.map_err(|error| error.prefix(format_args!("Fetch project \"{name}\"")))?;
            if !is_empty(tx, project.id).await? {
                return Err(Error::internal("Only empty projects can be removed"));
            }
            projects::delete(tx, project.id).await
        }
        .boxed()
    })
    .await
}

/// The project whose profiles the project that a request names has: it itself, or `default`.
pub async fn home(tx: &mut Tx<'_>, name: &str) -> Result<projects::Project> {
    let named = find(tx, name).await.map_err(|error| loading(error, name))?;
    if named.id == projects::DEFAULT || has(&named.config, PROFILES) {
        return Ok(named);
    }
    find(tx, DEFAULT).await
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

async fn change(
    db: &Database,
    name: &str,
    unchanged: &(dyn Fn(&ProjectPut) -> Result<()> + Sync),
    change: &(dyn Fn(&ProjectPut) -> ProjectPut + Sync),
) -> Result<()> {
    let profile = new_id();
    db.write(|tx| {
        async move {
            let projects::Project { id, name, description, config } = find(tx, name).await?;
            let old = ProjectPut { config, description };
            unchanged(&old)?;
            let ProjectPut { mut config, description } = change(&old);
            config.retain(|_, value| !value.is_empty());
            check_change(&name, &old.config, &config)?;
            let new = projects::Project { id, name, description, config };
            switch(tx, &old.config, &new, profile).await?;
            projects::update(tx, &new).await
        }
        .boxed()
    })
    .await
}

/// Makes true what features were switched on or off. A profile that it makes gets the id `profile`.
async fn switch(tx: &mut Tx<'_>, old: &Map, new: &projects::Project, profile: i64) -> Result<()> {
    for feature in FEATURES {
        let (had, has) = (has(old, feature), has(&new.config, feature));
        if had && !has && !is_empty(tx, new.id).await? {
            return Err(cannot_disable(feature));
        }
        match (feature, had, has) {
            (PROFILES, false, true) => furnish(tx, new, profile).await?,
            (PROFILES, true, false) => {
                let default = profiles::by_name(tx, new.id, DEFAULT).await?;
                let default = default.unwrap_or_default();
                if !default.config.is_empty() || !default.devices.is_empty() {
                    let text = "its profile \"default\" has keys or devices";
                    let error = cannot_disable(feature);
                    return Err(Error::invalid(format_args!("{}: {text}", error.message)));
                }
                profiles::delete(tx, new.id, DEFAULT).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn cannot_disable(feature: &str) -> Error {
    let text = "cannot be disabled on non-empty projects";
    Error::invalid(format_args!("Project feature \"{feature}\" {text}"))
}

/// Gives a project the profile that it has to have.
async fn furnish(tx: &mut Tx<'_>, project: &projects::Project, id: i64) -> Result<()> {
    let description = format!("Default LXD profile for project {}", project.name);
    let name = DEFAULT.to_owned();
    let profile = profiles::Profile { name, description, ..profiles::Profile::default() };
    profiles::insert(tx, project.id, id, &profile).await
}

async fn is_empty(tx: &mut Tx<'_>, project: i64) -> Result<bool> {
    let names = profiles::names(tx, project).await?;
    Ok(names.iter().all(|name| name == DEFAULT))
}

async fn id(tx: &mut Tx<'_>, name: &str) -> Result<i64> {
    projects::id(tx, name).await?.ok_or_else(|| loading(missing(), name))
}

async fn find(tx: &mut Tx<'_>, name: &str) -> Result<projects::Project> {
    projects::by_name(tx, name).await?.ok_or_else(missing)
}

fn missing() -> Error {
    Error::not_found("Project not found")
}

fn loading(error: Error, name: &str) -> Error {
    error.prefix(format_args!("Failed loading project \"{name}\""))
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
