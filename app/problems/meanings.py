"""Words of the help desk that mean the same in the languages that customers write. Pure.

An incident is reported in several languages at once, and its tickets have little in common but what they mean. So the
words in which things fail, and what people do with software, are compared by their meaning: a line each, in English,
Spanish, French, Polish and German, as far as they differ after they are folded and cut to their stems.
"""

from typing import Final

from app.core.text.folding import folded

STEM: Final = 5
"""Letters of a word that its other forms have too."""
_LINES: Final = """
account cuenta compte konto
activate activar activer aktywacja aktivieren
add añadir agregar ajouter dodać hinzufügen
admin administrador administrateur administrator
answer respuesta réponse odpowiedź antwort
attachment adjunto pièce załącznik anhang
authentication autenticación authentification uwierzytelnianie authentifizierung
backup copia respaldo sauvegarde kopia sicherung
blank blanco vide pusty leer
blocked bloqueado bloqué zablokowany gesperrt
browser navegador navigateur przeglądarka
button botón bouton przycisk knopf schaltfläche
calendar calendario calendrier kalendarz kalender
call llamada appel połączenie anruf
cancel cancelar annuler anulować stornieren
certificate certificado certificat certyfikat zertifikat
charge charged cobro cobrado débité prélevé pobrano obciążono abgebucht belastet
chart gráfico graphique wykres diagramm
close cerrar fermer zamknąć schließen
code código kod
connect connection conexión conectar connexion połączenie łączy verbindung verbinden
contact contacto kontakt
crash bloquea plante awaria abgestürzt
create crear créer utworzyć erstellen
credit crédito avoir korekta gutschrift
customer client cliente klient kunde
dashboard panel tablero tableau pulpit
data datos données dane daten
database base baza datenbank
delay retraso retard opóźnienie verzögerung
delete deleted borrar borrado eliminar eliminado supprimer supprimé usunąć usunięte gelöscht löschen
deliver entregar livré dostarczone zugestellt
device dispositivo appareil urządzenie gerät
disappear vanish desaparecer desaparecen disparaître disparu znikają zniknęły verschwinden verschwunden
disconnect desconectado déconnecté rozłączony getrennt
display mostrar muestra afficher affiche wyświetla pokazuje anzeige angezeigt
document documento dokument
double duplicate duplicated doble duplicado double dupliqué podwójna zduplikowana doppelt
download descargar télécharger pobrać herunterladen
empty vacío vide puste leer
encrypt cifrado chiffrement szyfrowanie verschlüsselung
error errors erreur błąd fehler
expire expired caducado expirado vencido expiré wygasł abgelaufen
export exportar exporter eksport exportieren
fail fails failed falla fallo échoue échec nieudana niepowodzenie fehlgeschlagen scheitert
file fichero archivo fichier plik datei
folder carpeta dossier katalog ordner
freeze frozen congelado figé gelé zamrożony eingefroren
hang hangs colgado cuelga atascado bloqué zawiesza hängt
image imagen obraz bild
import importar importer import importieren
invoice invoices factura facture faktura rechnung
key clave clé klucz schlüssel
late tarde tard późno spät
license licence licencia licencja lizenz
list lista liste
load cargar charger charge ładuje lädt laden
login sign-in acceso entrar conexión connecter logowanie zalogować anmelden anmeldung einloggen
lost perdido perdu utracone verloren
mail email correo courriel poczta
message mensaje wiadomość nachricht
missing falta faltan manque manquant brakuje brak fehlt fehlen
month mes mois miesiąc monat
network red réseau sieć netzwerk
notification notificación powiadomienie benachrichtigung
offline desconectado hors offline
old viejo antiguo ancien stary alt
open abrir ouvrir otworzyć öffnen
order orders pedido pedidos commande zamówienie bestellung
outage caída panne awaria ausfall
page página strona seite
password contraseña passe hasło passwort kennwort
payment pay pago pagar paiement payer płatność zapłata zahlung bezahlen
pending pendiente attente oczekuje oczekujące ausstehend
phone teléfono téléphone telefon
photo foto
price precio prix cena preis
print imprimir imprimer drukować drucken drucker
product producto produit produkt
queue cola file kolejka warteschlange
receive recibir reçu reçoit otrzymać odebrać erhalten empfangen
refresh actualizar refrescar rafraîchir odświeżyć aktualisieren
refuse refused rechazado refusé odrzucony abgelehnt
render genera génère generuje erzeugt
report informe reporte rapport raport bericht
reset restablecer réinitialiser zresetować zurücksetzen
restart reiniciar redémarrer restart neustart
restore restaurar restauración restaurer restauration przywracanie przywrócić odtwarzanie wiederherstellen
save guardar enregistrer zapisać speichern
screen pantalla écran ekran bildschirm
search buscar búsqueda rechercher recherche szukać wyszukiwanie suche
send sent enviar envía envoyer envoyé wysłać wysłane senden gesendet
server servidor serveur serwer
slow slowly lento lenta lent lente wolno powolne langsam
speed velocidad vitesse prędkość geschwindigkeit
stop stopped parado detenido arrêté zatrzymany angehalten
stuck atascada coincé utknęły steckt
sync synchronize sincronizar sincronización synchronisation synchronizacja synchronisierung
table tabla tabela tabelle
template plantilla modèle szablon vorlage
ticket zgłoszenie
timeout agotado expiration przekroczono zeitüberschreitung
total suma somme
twice dos deux dwukrotnie zweimal
unable puedo imposible impossible niemożliwe
update actualización jour aktualizacja update
upgrade mejora niveau
upload subir téléverser przesłać hochladen
user usuario utilisateur użytkownik benutzer nutzer
version versión wersja
video vídeo wideo
website sitio site witryna webseite
white blanco blanc biały weiß
wrong incorrecto incorrect mauvais błędna nieprawidłowy falsch
yesterday ayer hier wczoraj gestern
"""


def _stems() -> dict[str, str]:
    meanings: dict[str, str] = {}
    for line in _LINES.strip().splitlines():
        first, *others = folded(line).split()
        for word in (first, *others):
            meanings.setdefault(word[:STEM], first[:STEM])
    return meanings


MEANINGS: Final = _stems()
"""By the stem of a word, the stem of what it means in English."""
