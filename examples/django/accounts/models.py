from django.db import models


class Profile(models.Model):
    email = models.TextField(unique=True)
    full_name = models.TextField(default="")
