from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dashboard", "0002_webprocess")]

    operations = [
        migrations.AddField(
            model_name="datasource",
            name="secrets",
            field=models.TextField(blank=True, default="", editable=False),
        ),
    ]
