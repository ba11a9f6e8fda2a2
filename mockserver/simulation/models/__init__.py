"""Models of the platform and of the account, and the jobs that import them.

- `uploads`: an upload, its commands, and every look-up of a model by name or id
- `jobs`: the job that imports a model
- `events`: job.fail
"""
